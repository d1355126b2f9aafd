//! The command line on Windows, or on Wine with the test doubles of HCS: the same path as on Linux,
//! from a command to its monitor, shim and compute system.
//!
//! Built for Windows only, so that it runs when it is named: `cargo xtask test wine` puts the doubles
//! where Windows looks for its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

mod archive;
mod layers;
mod life;
mod place;
mod refusals;
mod service;
