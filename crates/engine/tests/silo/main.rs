//! Silos hold what they hold: the promises of every engine, attempts to break out, to take too
//! much, and to leave things behind. Real Wine, real Windows programs; run by root.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod conformance;
mod disks;
mod faults;
mod host;
mod isolation;
mod leftovers;
mod limits;
mod mapped;
mod mount_faults;
mod running;
mod served_disks;
mod subject;
