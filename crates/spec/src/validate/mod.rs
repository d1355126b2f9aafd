//! What a Windows host refuses of a container's settings, what it drops with a warning, and what it
//! puts in order.
//!
//! The checks run in the original's order and stop at the first error. Settings that Windows has no
//! use for and the original accepts all the same (capabilities `ALL`, `ShmSize`, `Sysctls`, `Tmpfs`,
//! `PidMode` …) pass here too and leave no trace in the spec.

mod config;
mod error;
mod host_config;
mod ports;
mod resources;
mod restart;

pub use config::config;
pub use error::Invalid;
pub use host_config::{extra_host, host_config, host_config_into};
pub use restart::restart_policy;

use crate::api::{Config, HostConfig};
use crate::error::SpecError;
use crate::host::{HostFacts, Lookups};

/// Settings that were dropped, told to the user.
pub type Warnings = Vec<String>;

/// Checks both halves of a container's settings as `create` does, and normalises them.
pub fn settings(
    container: &mut Config,
    host: &mut HostConfig,
    facts: &HostFacts,
    lookups: &impl Lookups,
) -> Result<Warnings, SpecError> {
    config(container)?;
    host_config(host, facts, lookups)
}
