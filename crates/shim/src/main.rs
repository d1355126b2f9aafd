//! containerd-shim-runhcs-v1: pods, tasks and execs over ttrpc.

fn main() {}
