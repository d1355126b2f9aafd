//! The image's own configuration, as the OCI image config blob carries it.

use serde::{Deserialize, Serialize};

use super::Config;

/// What of an image's config decides how its containers run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// The system that it is for; empty counts as this host's.
    pub os: String,
    /// `10.0.20348.2340` and the like.
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// The processor that it is for.
    pub architecture: String,
    /// Defaults for its containers.
    pub config: Config,
}
