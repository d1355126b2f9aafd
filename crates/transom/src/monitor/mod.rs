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

use anyhow::{Context, Result};
use engine::os::{process, streams};

use crate::host::Host;

/// Runs the monitor of container `id` until the container has ended for good.
pub fn main(id: &str) -> Result<()> {
    // The terminal's signals are for the command, which passes them on.
    process::leave_session().context("leaving the terminal's session")?;
    // Its log is its own: whoever is started from here may outlive the container.
    engine::pipes::keep_streams();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let result = runtime.block_on(async {
        // Whoever started this monitor speaks to it over its stdin.
        let first = streams::joined().context("keeping stdin")?;
        let host = Host::open()?;
        let driver = driver::Driver::open(host, id, first).await?;
        Box::pin(driver.run()).await
    });
    runtime.shutdown_background();
    result
}
