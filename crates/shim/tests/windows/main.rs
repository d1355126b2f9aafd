//! The shim on Windows, from outside: its own program, its named pipes, real Windows programs.
//!
//! Built for Windows only, so that it runs when it is named: HCS is the test double of
//! `tests/hcs-emulator`, which `cargo xtask test wine` puts in place.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

mod bound;
mod crash;
mod figures;
mod filter;
mod host_process;
mod life;
mod logs;
mod place;
mod streams;
mod terminal;
