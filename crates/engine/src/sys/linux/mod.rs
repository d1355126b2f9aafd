//! The Linux host's engine: silos.
//!
//! A compute system is a **silo**: namespaces, control groups and a Wine session, held by a small
//! process of its own, the silo host. Two halves meet at the control socket ([`protocol`],
//! [`wire`]):
//!
//! ```text
//! any process                          one silo host per system        inside
//! engine, system, client, streams <--> silo  --------------------->  init (pid 1)
//! validate: document -> plan           cgroup, claim, idmap            mounts, seccomp,
//! storage, scratch, credentials        mounts (detached)               wineserver, guest
//! ```
//!
//! [`network`] and [`platform`] stand beside: what a silo is connected to, and what its Windows is.

mod administrator;
mod cgroup;
mod claim;
mod client;
mod credentials;
mod devices;
mod disk;
mod engine;
mod identity;
mod idmap;
mod init;
pub(crate) mod layering;
mod loop_device;
mod mapped_pipes;
mod mounts;
mod namespaces;
mod network;
pub mod os;
pub mod pipes;
pub(crate) mod places;
mod plan;
pub mod platform;
mod protocol;
mod scratch;
mod seccomp;
mod silo;
pub mod sockets;
mod storage;
mod streams;
mod system;
mod threads;
mod validate;
mod wire;

pub use network::Networks;
pub use silo::silo_main;
pub use system::{HostProcess, HostSystem};
pub use threads::threads;
