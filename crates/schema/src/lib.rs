//! The words that Transom's parts share: HCS documents, guest messages, ids and units.
//!
//! Data only: nothing here does I/O, reads a clock or asks which OS this is. Field names follow the
//! HCS schema 2.x as Windows prints it (`PascalCase`), so a document made here can be handed to
//! Windows unchanged. What Windows omits is omitted.

pub mod container;
pub mod document;
pub mod guest;
pub mod ids;
pub mod job;
pub mod modify;
pub mod names;
pub mod process;
pub mod properties;
pub mod signals;
pub mod units;
pub mod v1;

pub use ids::{ExecId, SystemId, TaskId};
pub use units::{ConsoleSize, ExitCode, MiB, Pid};
