//! The Windows host's engine: the Host Compute Service.
//!
//! ```text
//! engine, system, process      the traits
//!        |
//! operation, events            a call's completion and a handle's events, as futures
//!        |
//! hcs (computecore.dll)   layers (vmcompute.dll)      library: loaded from system32 when first used
//!                         layering (computestorage.dll)
//! ```
//!
//! [`codes`] turns what Windows returns into what was wrong and how to mend it. [`pipes`] and
//! [`sockets`] stand beside: what a shim speaks through. Nothing here has met a real Windows Server:
//! see `docs/windows.md`.

#![expect(unsafe_code, reason = "HCS is a C interface")]

mod access;
mod codes;
mod credentials;
mod engine;
mod events;
mod hcs;
mod host;
mod job;
pub(crate) mod layering;
mod layers;
mod library;
mod networks;
mod operation;
pub mod os;
pub mod pipes;
pub(crate) mod places;
pub mod platform;
mod process;
pub mod sockets;
mod starting;
mod storage;
mod system;
mod text;
mod threads;

pub use host::{HostProcess, HostSystem};
pub use networks::Networks;
pub use threads::threads;
