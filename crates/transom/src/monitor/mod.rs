//! The process that stands beside a running container: `transom monitor <id>`.
//!
//! ```text
//!            run/start ---- first connection (its stdin) ----+
//!   attach, stop, logs ---- $STATE/monitors/<id> ------------+--> serve --inbox--> driver
//!                                                                   ^                |
//!   log file <---- pump <---- FIFOs <---- shim <------ task API ----+-- audience <---+
//! ```
//!
//! [`driver`] owns the container's life: it starts it ([`run`]), waits, records what became of it,
//! and starts it again when its policy says so ([`restart`]). Everything that must be given back is
//! named by the container's id alone, so whoever finds a killed monitor's container can do it:
//! [`host::sweep`](crate::host).

mod audience;
mod bundle;
mod calls;
mod connect;
mod driver;
mod ending;
mod health;
pub mod log;
mod names;
mod network;
mod pump;
pub mod restart;
mod run;
mod serve;
pub mod spawn;

pub use bundle::{facts, spec as bundle_spec};
pub use names::names as dns_names;
pub use run::Ended;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use anyhow::{Context, Result};
use rustix::fs::{FileType, Mode, OFlags};
use tokio::net::UnixStream;

use crate::host::Host;

/// Runs the monitor of container `id` until the container has ended for good.
pub fn main(id: &str) -> Result<()> {
    // The terminal's signals are for the command, which passes them on.
    rustix::process::setsid().context("leaving the terminal's session")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let result = runtime.block_on(async {
        let first = first_connection()?;
        let host = Host::open()?;
        let driver = driver::Driver::open(host, id, first).await?;
        Box::pin(driver.run()).await
    });
    runtime.shutdown_background();
    result
}

/// Whoever started this monitor speaks to it over its stdin.
fn first_connection() -> Result<Option<UnixStream>> {
    let stdin = std::io::stdin();
    let kind = rustix::fs::fstat(&stdin).context("looking at stdin")?.st_mode;
    if FileType::from_raw_mode(kind) != FileType::Socket {
        return Ok(None);
    }
    let ours = rustix::io::fcntl_dupfd_cloexec(stdin.as_fd(), 3).context("keeping stdin")?;
    close_stdin()?;
    let stream = StdUnixStream::from(ours);
    stream.set_nonblocking(true).context("keeping stdin")?;
    Ok(Some(UnixStream::from_std(stream).context("keeping stdin")?))
}

/// Nobody who is started from here may keep the connection open.
fn close_stdin() -> Result<()> {
    let null: OwnedFd = rustix::fs::open("/dev/null", OFlags::RDONLY, Mode::empty())
        .context("opening /dev/null")?;
    rustix::stdio::dup2_stdin(null).context("closing stdin")
}
