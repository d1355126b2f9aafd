//! Acquires what a plan names, all or nothing, and gives it back newest first.
//!
//! Every step is written to a ledger on disk before it is taken, so that what was acquired can be
//! given back after its owner was killed ([`release_ledger`]). What a step means for this host is
//! `engine`'s business; what has to be acquired is decided by `plan`.

mod acquire;
mod error;
mod host;
mod ledger;
mod undo;

pub use acquire::Held;
pub use error::{AcquireError, Leak, ReleaseError};
pub use host::{Host, HostFiles, facts};
pub use ledger::LedgerError;
pub use undo::{Undo, release_ledger};
