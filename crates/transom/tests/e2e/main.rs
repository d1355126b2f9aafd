//! The whole system from outside: the built programs, driven as users drive them.
//!
//! `support` is the harness; every other module is one part of what Transom promises. Nothing here
//! links Transom: what is not seen through its programs, its files and the kernel is not tested.
//! `executor` alone does, since the contract that it is about is a library's.
//! Needs root, Wine and `cargo xtask build`; `cargo xtask test` sees to all three. Measurements
//! are in `bench`, and run when asked for: `cargo xtask bench`.

mod bench;
mod broken_host;
mod build;
mod builds;
mod commit;
mod console;
mod containerd;
mod diag;
mod executor;
mod images;
mod isolation;
mod killed;
mod lifecycle;
mod limits;
mod listing;
mod many;
mod mounts;
mod network;
mod outputs;
mod programs;
mod registries;
mod resources;
mod run;
mod settings;
mod shim;
mod stdio;
mod support;
