//! Runs compute systems, and holds what they stand on: storage, networks, credentials.
//!
//! Four traits, each with its promises in its doc. [`HostEngine`] is this host's implementation,
//! behind the one door `sys`; [`memory`] is one without a host, for tests. Both pass
//! `conformance`. Everything above this crate is generic over the traits and has no OS `cfg`.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod credentials;
pub mod error;
mod host;
pub mod layering;
pub mod memory;
pub mod network;
pub mod storage;
pub mod system;

#[cfg_attr(target_os = "linux", path = "sys/linux/mod.rs")]
#[cfg_attr(windows, path = "sys/windows/mod.rs")]
mod sys;

pub use credentials::Credentials;
pub use error::{EngineError, ErrorKind, Op, Result};
pub use host::{HostConfig, HostEngine};
pub use network::{Definition, Network};
pub use storage::{PASSING, Storage};
pub use sys::platform;
#[cfg(target_os = "linux")]
pub use sys::silo_main;
pub use sys::{HostProcess, HostSystem, Networks};
// What a shim speaks to its clients through, and tells them of itself.
pub use sys::{pipes, sockets, threads};
// What the crates above ask of the operating system itself.
pub use sys::os;
pub use system::{Engine, ExitKind, Process, Stdio, System, SystemEvent, SystemExit};
