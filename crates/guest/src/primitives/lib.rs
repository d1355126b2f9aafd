//! `bcryptprimitives.dll` for a Wine that lacks it (before 10): the one function of it that
//! programs call, `ProcessPrng`, which the run-time libraries of Rust and Go fill their seeds with.
//!
//! The platform layer (`engine`) puts it into `system32` where Wine has none.

#[cfg(windows)]
mod random;

#[cfg(windows)]
pub use random::ProcessPrng;
