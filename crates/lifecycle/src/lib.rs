//! The lives of pods, tasks and execs, as machines that decide and never act.
//!
//! ```text
//! Pod    owns the ids of its tasks; takes workloads while its sandbox task runs
//!  Task  owns its first process and its other execs; ends with its first process
//!   Exec one process
//! ```
//!
//! All three speak the same verbs: a *request* is granted with effects to carry out, or refused
//! with a [`Denied`]; a *report* of what then happened comes in through `on` and is never refused;
//! *status* tells where it is. Nothing here does I/O, reads a clock or asks which OS this is: time
//! is passed in. `shim::driver` carries effects out and feeds reports back.

pub mod denied;
pub mod exec;
pub mod pod;
pub mod signals;
pub mod task;

pub use denied::Denied;
pub use exec::{Exec, Exit, Status};
pub use pod::Pod;
pub use task::{Effect, Event, Report, Task, Which};
