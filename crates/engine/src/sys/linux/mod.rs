//! The Linux host's engine: silos.

/// The Linux host's engine.
#[derive(Debug, Clone)]
pub struct HostEngine;
