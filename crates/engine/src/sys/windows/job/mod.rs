//! Host process containers: a job object on this host, without HCS.
//!
//! ```text
//! create: job (limits) + root (volume, links)
//! spawn:  account -> environment -> resolve -> launch (suspended, into the job, let go)
//! end:    everything in it is ended -> the root and the account are given back, the job is closed
//! ```
//!
//! A job ends with the last handle to it, which the shim holds: a shim that is killed takes its
//! container with it. Whoever else looks opens it by name, and sees no more than what runs in it.

#![expect(unsafe_code, reason = "job objects are a C interface")]

mod account;
mod environment;
mod launch;
mod limits;
mod object;
mod process;
mod resolve;
mod root;
mod statistics;
mod stdio;
mod system;

pub(super) use process::JobProcess;
pub(super) use system::JobSystem;
