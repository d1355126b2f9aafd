//! `containerd-shim-runhcs-v1`: pods, tasks and execs over ttrpc, and a client of it.

pub mod client;
mod proto;
mod wire;
