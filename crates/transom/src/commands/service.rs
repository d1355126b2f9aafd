//! `service`: containers that restart by themselves come up with the host.
//!
//! There is no daemon: each container's monitor keeps it running for as long as the host does. What
//! is left for a service is what nobody is there for: giving back what a crash or a power cut left,
//! and starting, after a boot, what is to run always.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, Result};
use engine::os::service::{self, Kind, Stopped};

use super::life;
use crate::cli::system::ServiceGroup;
use crate::host::Host;
use crate::store::{Found, Status};

/// How often it is looked for containers whose monitor was killed.
const LOOK: Duration = Duration::from_mins(1);

/// `service`
pub(super) async fn command(group: ServiceGroup) -> Result<()> {
    match group {
        ServiceGroup::Install => {
            let own = std::env::current_exe().context("finding this program's own file")?;
            service::install(&own, "service run").context("installing the service")
        }
        ServiceGroup::Uninstall => service::uninstall().context("uninstalling the service"),
        ServiceGroup::Run => {
            let run = || service::run(serve).context("running as a service");
            if tokio::task::spawn_blocking(run).await?? {
                return Ok(());
            }
            // By hand, or by another manager: once.
            if restore(&Host::open()?).await? { Ok(()) } else { Err(super::Status(1).into()) }
        }
    }
}

/// The service's life, on a thread of the manager's.
fn serve(stopped: Stopped) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.context("starting the runtime").and_then(|runtime| {
        let served = runtime.block_on(watch(stopped));
        runtime.shutdown_background();
        served
    });
    if let Err(error) = &served {
        service::report(Kind::Failed, &format!("Transom's service failed: {error:#}"));
    }
    served.is_ok()
}

async fn watch(mut stopped: Stopped) -> Result<()> {
    let host = Host::open()?;
    loop {
        let look = async {
            // What fails now may go the next time.
            if let Err(error) = restore(&host).await {
                warn(&format!("the containers cannot be looked at: {error:#}"));
            }
            tokio::time::sleep(LOOK).await;
        };
        tokio::select! {
            // A start that takes its time is its monitor's by then, and goes on.
            _ = &mut stopped => return Ok(()),
            () = look => {}
        }
    }
}

/// Gives back what was left, and starts what is to run. What is wrong with one container is told,
/// and keeps nobody from the others; tells whether all went well.
async fn restore(host: &Host) -> Result<bool> {
    let well = Cell::new(true);
    let fails = |text: &str| {
        well.set(false);
        warn(text);
    };
    let all = host.list_telling(|error| fails(&format!("{error:#}"))).await?;
    for found in all.into_iter().filter(is_wanted) {
        let name = &found.record.name;
        match Box::pin(life::begin(host, &found)).await {
            Ok(()) => service::report(Kind::Done, &format!("container {name} was started")),
            Err(error) => fails(&format!("container {name} was not started: {error:#}")),
        }
    }
    Ok(well.get())
}

fn warn(text: &str) {
    service::report(Kind::Warning, text);
}

/// Its policy has it run with the host, and it does not. One that `stop` ended stays so, but for
/// `always`, which docker starts with its daemon: here that would be at every look.
fn is_wanted(found: &Found) -> bool {
    let policy = found.record.host_config.restart_policy.name.as_str();
    let ran = !matches!(found.state.status, Status::Created | Status::Dead);
    let rests = !(found.state.status.is_active() && found.folder.is_held());
    matches!(policy, "always" | "unless-stopped") && ran && rests && !found.state.stopped_by_user
}
