//! Host process containers: a job object on this host, without HCS.
//!
//! ```text
//! create: job (limits) + root (volume, links), or with the bind filter silo + binding (root, mounts)
//! spawn:  account -> folder -> environment -> resolve -> streams or console -> launch (into the job)
//! end:    everything in it is ended -> the root and the account are given back, the job is closed
//! ```
//!
//! A job ends with the last handle to it, which the shim holds: a shim that is killed takes its
//! container with it, and leaves a note of what else there is ([`leftovers`]). Whoever else looks
//! opens the job by name, and sees no more than what runs in it. What asks Windows for accounts or
//! makes folders may take its time: it is done beside the runtime.

#![expect(unsafe_code, reason = "job objects are a C interface")]

mod account;
mod attributes;
mod beneath;
mod binding;
mod console;
mod environment;
mod filter;
mod folders;
mod launch;
mod leftovers;
mod limits;
mod object;
mod process;
mod resolve;
mod root;
mod signal;
mod spawn;
mod state;
mod statistics;
mod stdio;
mod sweeping;
mod system;
mod workdir;

pub(super) use process::JobProcess;
pub(super) use system::JobSystem;

use super::operation;
use crate::error::ErrorKind;

/// Does what takes its time beside the runtime.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorKind> + Send + 'static,
) -> Result<T, ErrorKind> {
    operation::blocking(move || Ok(work()?)).await.map_err(ErrorKind::from)
}
