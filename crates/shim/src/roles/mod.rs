//! The three roles of the one program.
//!
//! ```text
//! containerd --start--> start --spawns--> serve    one for a standalone container or a pod
//!            --delete-> delete            cleans up when no serve answers
//! ```

mod bootstrap;
mod delete;
mod log;
mod rest;
mod serve;
mod start;

pub(crate) use delete::delete;
pub(crate) use serve::{Serve, serve};
pub(crate) use start::start;

use std::path::{Path, PathBuf};

/// What `serve` writes and `start` reads once requests are taken.
const READY: &str = "ready";

/// Where the ledger of a container's resources is: it is there from before the compute system is
/// created until after it has ended, and tells whose it is.
pub(crate) fn ledger(state: &Path, namespace: &str, id: &str) -> PathBuf {
    state.join("ledgers").join(format!("{namespace}-{id}.jsonl"))
}

/// Where a pod's containers share files. Another namespace may have a pod of the same id.
pub(crate) fn pod_folder(state: &Path, namespace: &str, pod: &str) -> PathBuf {
    state.join("pods").join(format!("{namespace}-{pod}"))
}
