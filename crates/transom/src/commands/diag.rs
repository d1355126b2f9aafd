//! `diag`: looking into a shim, whoever started it.

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use shim::client::{Client, FindError, Found, shims};

use crate::cli::diag::{DiagGroup, Target};
use crate::format::Format;
use crate::host::{Host, NAMESPACE};

const TABLE: &str = "{{.Name}}\t{{.PID}}";
const HEADINGS: &[(&str, &str)] = &[("Name", "NAME"), ("PID", "PID")];

/// `diag`
pub(super) async fn command(group: DiagGroup) -> Result<()> {
    match group {
        DiagGroup::List => list().await,
        DiagGroup::Stacks(target) => {
            let stacks = connect(&target).await?.stacks().await?;
            print!("{}", stacks.shim);
            if !stacks.guest.is_empty() {
                print!("\nguest\n{}", stacks.guest);
            }
            Ok(())
        }
        DiagGroup::Tasks { execs, target } => {
            for task in connect(&target).await?.tasks(execs).await? {
                println!("{}", task.id);
                for (id, state) in task.execs {
                    println!("  {id} {state}");
                }
            }
            Ok(())
        }
        DiagGroup::Pid(target) => {
            println!("{}", connect(&target).await?.diag_pid().await?);
            Ok(())
        }
        DiagGroup::Share { read_only, target, host_path, uvm_path } => {
            Ok(connect(&target).await?.share(&host_path, &uvm_path, read_only).await?)
        }
        DiagGroup::Exec { workdir, target, line } => {
            connect(&target).await?.exec_in_host(&line, &workdir).await?;
            Ok(())
        }
    }
}

/// A shim that was killed has no pid.
async fn list() -> Result<()> {
    let mut rows = Vec::new();
    for found in all()? {
        let pid = match Client::connect(&found.address()).await {
            Ok(client) => client.diag_pid().await.map(|pid| pid.to_string()).ok(),
            Err(_) => None,
        };
        rows.push(json!({ "Name": found.name, "PID": pid.unwrap_or_else(|| "-".to_owned()) }));
    }
    print!("{}", Format::parse(None, TABLE)?.list(&rows, HEADINGS)?);
    Ok(())
}

fn all() -> Result<Vec<Found>> {
    shims(&shim::address::state_folder()).context("looking for shims")
}

async fn connect(target: &Target) -> Result<Client> {
    let shims = all()?;
    let found = match Found::of(&shims, &target.shim) {
        Err(FindError::None(_)) => of_container(&shims, &target.shim).await?,
        other => other?,
    };
    Ok(Client::connect(&found.address()).await?)
}

/// One of Transom's own containers, by its name or id.
async fn of_container(shims: &[Found], name: &str) -> Result<Found> {
    let neither = || anyhow!("no shim and no container is named `{name}`");
    let container = Host::open()?.find(name).await.map_err(|_| neither())?;
    let shim = Found::of(shims, &format!("{NAMESPACE}-{}", container.record.id));
    shim.with_context(|| format!("container {name} is not running"))
}
