//! The Windows engine on the test doubles of HCS' DLLs (`tests/hcs-emulator`), under Wine or Windows.
//!
//! `cargo xtask test wine` puts the doubles where Windows looks for its own.

#![cfg(windows)]

mod bound;
mod conformance;
mod credentials;
mod events;
mod faults;
mod jobs;
mod leaks;
mod networks;
mod races;
mod storage;
mod support;
mod terminals;
