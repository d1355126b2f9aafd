//! `wait`

use anyhow::{Result, bail};

use super::many::each;
use crate::attach::client::{Connection, Outcome};
use crate::attach::wire::Hello;
use crate::cli::container::Many;
use crate::host::Host;

/// `wait`
pub(super) async fn command(host: &Host, args: Many) -> Result<()> {
    each(host, &args.containers, |host, name| {
        Box::pin(async move { Ok(wait(host, name).await?.to_string()) })
    })
    .await
}

/// Waits for a container's end; at once when it does not run.
async fn wait(host: &Host, name: &str) -> Result<u32> {
    let found = host.find(name).await?;
    let id = &found.record.id;
    let hello = Hello { exit: true, ..Hello::default() };
    let Some(mut monitor) = Connection::open_with(&host.dirs.monitors(), id, hello).await? else {
        // Its state was read before; now it is the last one.
        return Ok(host.find(id).await?.state.exit_code);
    };
    match monitor.ended().await? {
        Outcome::Exited(exit) => Ok(exit.code),
        Outcome::Failed(failure) => bail!(failure.message),
        Outcome::Lost => Ok(host.find(id).await?.state.exit_code),
    }
}
