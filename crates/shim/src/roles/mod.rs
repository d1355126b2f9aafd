//! The three roles of the one program.
//!
//! ```text
//! containerd --start--> start --spawns--> serve    one for a standalone container or a pod
//!            --delete-> delete            cleans up when no serve answers
//! ```

mod delete;
mod log;
mod serve;
mod start;

pub(crate) use delete::delete;
pub(crate) use serve::{Serve, serve};
pub(crate) use start::start;

use std::path::{Path, PathBuf};

/// What `serve` writes and `start` reads once requests are taken.
const READY: &str = "ready";

/// Where the ledger of a compute system's resources is.
pub(crate) fn ledger(state: &Path, id: &str) -> PathBuf {
    state.join("ledgers").join(format!("{id}.jsonl"))
}
