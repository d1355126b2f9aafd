//! The end of a process, from who knows of it first: its silo host.
//!
//! A shim tells of it only when all that the process wrote is passed on, and what a slow reader
//! leaves for too long it drops. Who asks here can take that over in time.

use engine::{Engine, HostEngine};
use schema::{ExitCode, Pid, SystemId};

/// Waits for it; nothing when the host of `id` cannot be asked, or does not know.
pub async fn end(engine: &HostEngine, id: &str, pid: Pid) -> Option<ExitCode> {
    let system = engine.open(&SystemId::new(id).ok()?).await.ok()?;
    Some(system.end_of(pid).await).filter(|code| *code != ExitCode::UNKNOWN)
}

/// The same for who wants to hear of an end only.
pub async fn ended(engine: &HostEngine, id: &str, pid: Pid) {
    if end(engine, id, pid).await.is_none() {
        std::future::pending::<()>().await;
    }
}
