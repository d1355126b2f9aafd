//! `network`

mod connect;
mod describe;
mod list;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use engine::Definition;
use engine::os::NETWORKS_ARE_OURS;
use jiff::Timestamp;

use super::{Status, inspect};
use crate::cli::settings::{NetworkCreate, NetworkGroup};
use crate::cli::system::Prune;
use crate::host::Host;
use crate::settings::pairs;
use crate::store::record::new_id;

/// `network`
pub(super) async fn command(host: &Host, group: NetworkGroup) -> Result<()> {
    match group {
        NetworkGroup::Create(args) => create(host, args).await,
        NetworkGroup::Ls(args) => list::command(host, args).await,
        NetworkGroup::Rm { force, names } => remove(host, &names, force).await,
        NetworkGroup::Prune(args) => super::prune::command(host, Prune::networks(args)).await,
        NetworkGroup::Connect(args) => connect::connect(host, args).await,
        NetworkGroup::Disconnect { force, network, container } => {
            connect::disconnect(host, &network, &container, force).await
        }
        NetworkGroup::Inspect { format, names, .. } => {
            let (mut values, mut failed) = (Vec::new(), false);
            for name in &names {
                match describe::network(host, name).await {
                    Ok(value) => values.push(value),
                    Err(error) => {
                        eprintln!("transom: {error:#}");
                        failed = true;
                    }
                }
            }
            inspect::print(&values, format.as_deref())?;
            if failed { Err(Status(1).into()) } else { Ok(()) }
        }
    }
}

/// What `inspect` says of a network.
pub(super) async fn inspect_one(host: &Host, name: &str) -> Result<serde_json::Value> {
    describe::network(host, name).await
}

async fn create(host: &Host, args: NetworkCreate) -> Result<()> {
    if !matches!(args.ipam_driver.as_str(), "default" | "windows") {
        bail!("--ipam-driver is refused: there is one, default");
    }
    if args.gateway.is_some() && args.subnet.is_none() {
        bail!("--gateway needs --subnet");
    }
    let wanted = Definition {
        id: new_id(),
        name: args.name,
        driver: args.driver,
        subnet: args.subnet.unwrap_or_default(),
        gateway: args.gateway.unwrap_or_default(),
        internal: args.internal,
        labels: pairs::labels(&[], &args.label)?,
        created_unix: Timestamp::now().as_second().unsigned_abs(),
    };
    if all(host).await?.iter().any(|other| other.name == wanted.name) {
        bail!("network with name {} already exists", wanted.name);
    }
    let made = host.networks.define(&wanted).await?;
    host.events.network(&made.name, "create", &[]);
    println!("{}", made.id);
    Ok(())
}

async fn remove(host: &Host, names: &[String], force: bool) -> Result<()> {
    let mut failed = false;
    for name in names {
        match remove_one(host, name, force).await {
            Ok(()) => println!("{name}"),
            Err(error) => {
                eprintln!("transom: {error:#}");
                failed = true;
            }
        }
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

async fn remove_one(host: &Host, name: &str, force: bool) -> Result<()> {
    let found = match find(host, name).await {
        Ok(found) => found,
        Err(error) if force && error.is::<NoSuchNetwork>() => return Ok(()),
        Err(error) => return Err(error),
    };
    if is_predefined(&found.name) {
        bail!("{} is a pre-defined network and cannot be removed", found.name);
    }
    // What a killed monitor left is not in use.
    host.list().await?;
    if let Some((user, _)) = host.networks.members(&found.name).await?.into_iter().next() {
        bail!("error while removing network: network {} is in use by container {user}", found.name);
    }
    host.networks.undefine(&found.name).await?;
    host.events.network(&found.name, "destroy", &[]);
    Ok(())
}

/// The networks that are meant, by their labels and when they were made, and that no container has.
pub(super) async fn unused(
    host: &Host,
    meant: impl Fn(&BTreeMap<String, String>, Timestamp) -> bool,
) -> Result<Vec<String>> {
    if !NETWORKS_ARE_OURS {
        return Ok(Vec::new());
    }
    let used: Vec<String> = host
        .list()
        .await?
        .into_iter()
        .flat_map(|found| found.record.networks.into_keys())
        .collect();
    let mut unused = host.networks.definitions().await?;
    unused.retain(|network| {
        let made = i64::try_from(network.created_unix).unwrap_or(i64::MAX);
        let meant = Timestamp::from_second(made).is_ok_and(|made| meant(&network.labels, made));
        meant && !is_predefined(&network.name) && !used.contains(&network.name)
    });
    Ok(unused.into_iter().map(|network| network.name).collect())
}

/// Removes a network, unless somebody is in it.
pub(super) async fn remove_unused(host: &Host, name: &str) -> Result<bool> {
    if !host.networks.members(name).await?.is_empty() {
        return Ok(false);
    }
    host.networks.undefine(name).await?;
    host.events.network(name, "destroy", &[]);
    Ok(true)
}

/// There is no such network.
#[derive(Debug, thiserror::Error)]
#[error("network {0} not found")]
pub(super) struct NoSuchNetwork(String);

/// A network by its name, its id, or a unique beginning of its id.
async fn find(host: &Host, wanted: &str) -> Result<Definition> {
    let all = all(host).await?;
    if let Some(found) = all.iter().find(|one| one.name == wanted || one.id == wanted) {
        return Ok(found.clone());
    }
    let mut found = all.into_iter().filter(|one| !wanted.is_empty() && one.id.starts_with(wanted));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(NoSuchNetwork(wanted.to_owned()).into()),
        (Some(_), Some(_)) => bail!("network {wanted} is ambiguous"),
    }
}

/// All networks, and `none`.
async fn all(host: &Host) -> Result<Vec<Definition>> {
    let mut all = host.networks.definitions().await?;
    let none = Definition { name: "none".into(), driver: "null".into(), ..Definition::default() };
    all.push(none);
    for one in &mut all {
        if one.id.is_empty() {
            one.id = derived_id(&one.name);
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// An id for a network that nobody gave one: always the same for a name.
fn derived_id(name: &str) -> String {
    let hash = |seed: u64| {
        name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    let parts: Vec<String> = (0..4).map(|seed| format!("{:016x}", hash(seed))).collect();
    parts.concat()
}

fn is_predefined(name: &str) -> bool {
    matches!(name, "nat" | "none" | "default")
}
