//! Starting a monitor, and being its first connection.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tokio::net::UnixStream;

use crate::attach::client::Connection;
use crate::attach::wire::Hello;
use crate::store::Found;

/// Starts the container's monitor, which outlives this process. The connection has joined before
/// anything happens, so it sees all output from the first byte.
pub async fn spawn(found: &Found, hello: Hello) -> Result<Connection> {
    let (ours, theirs) = StdUnixStream::pair().context("making a socket pair")?;
    let log = found.folder.monitor_log();
    let mut options = OpenOptions::new();
    let log = options.append(true).create(true).mode(0o600).open(&log);
    let own = std::env::current_exe().context("finding this program's own file")?;
    let child = Command::new(own)
        .args(["monitor", &found.record.id])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::from(log.context("opening the monitor's log")?))
        .current_dir("/")
        .spawn()
        .context("starting the monitor")?;
    // It is nobody's child to wait for: it is told by its lock, its socket and its files.
    drop(child);
    ours.set_nonblocking(true).context("talking to the monitor")?;
    let stream = UnixStream::from_std(ours).context("talking to the monitor")?;
    Connection::greet(stream, hello).await
}
