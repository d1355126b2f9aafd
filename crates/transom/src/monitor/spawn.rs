//! Starting a monitor, and being its first connection.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use engine::os::streams;
use engine::os::unix::fs::OpenOptionsExt;

use crate::attach::client::Connection;
use crate::attach::wire::Hello;
use crate::store::Found;

/// Starts the container's monitor, which outlives this process. The connection has joined before
/// anything happens, so it sees all output from the first byte.
pub async fn spawn(found: &Found, hello: Hello) -> Result<Connection> {
    let log = found.folder.monitor_log();
    let mut options = OpenOptions::new();
    let log = options.append(true).create(true).mode(0o600).open(&log);
    let own = std::env::current_exe().context("finding this program's own file")?;
    let mut command = Command::new(own);
    command.args(["monitor", &found.record.id]).current_dir("/").stdout(Stdio::null());
    command.stderr(Stdio::from(log.context("opening the monitor's log")?));
    let (child, stream) = streams::spawn_joined(&mut command).context("starting the monitor")?;
    // It is nobody's child to wait for: it is told by its lock, its socket and its files.
    drop(child);
    Connection::greet(stream, hello).await
}
