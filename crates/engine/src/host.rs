//! This host's engine, and where Transom keeps its things here.
//!
//! What an engine does is behind `sys`; so are the places that each OS has for such things.

use std::path::PathBuf;

use crate::sys::places;

/// The directories of one Transom installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// What lasts: images, layers, the platform, containers (`TRANSOM_ROOT`).
    pub root: PathBuf,
    /// What a reboot may take: sockets, pinned namespaces (`TRANSOM_STATE`).
    pub state: PathBuf,
    /// Where the programs are that others start (`TRANSOM_LIBEXEC`).
    pub libexec: PathBuf,
}

impl HostConfig {
    /// The environment's choice, or the usual places.
    pub fn from_env() -> Self {
        let dir = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            root: dir("TRANSOM_ROOT").unwrap_or_else(places::root),
            state: dir("TRANSOM_STATE").unwrap_or_else(places::state),
            libexec: dir("TRANSOM_LIBEXEC").unwrap_or_else(places::libexec),
        }
    }
}

/// This host's engine.
#[derive(Debug, Clone)]
pub struct HostEngine {
    config: HostConfig,
}

impl HostEngine {
    /// The engine of an installation.
    pub fn new(config: HostConfig) -> Self {
        Self { config }
    }

    /// The engine of the installation that the environment names.
    pub fn from_env() -> Self {
        Self::new(HostConfig::from_env())
    }

    /// Where its things are.
    pub fn config(&self) -> &HostConfig {
        &self.config
    }
}
