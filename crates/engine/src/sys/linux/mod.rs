//! The Linux host's engine: silos.

mod network;
pub mod pipes;

pub use network::{Definition, Networks, Resolver};

/// The Linux host's engine.
#[derive(Debug, Clone)]
pub struct HostEngine;
