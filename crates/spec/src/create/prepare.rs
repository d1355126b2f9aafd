//! All of `create` that needs no store: from what was asked for to what is kept.

use super::{CreateRequest, Refused, merge, refuse_impossible};
use crate::api::{Config, HostConfig, ImageConfig, NetworkMode, NetworkingConfig};
use crate::error::SpecError;
use crate::host::{HostFacts, Lookups};
use crate::validate::{self, Warnings};

/// What is stored of a container.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prepared {
    /// Merged with the image's and cleaned.
    pub config: Config,
    /// Checked, its open values filled in.
    pub host_config: HostConfig,
    /// Endpoints under the name of the network that is used.
    pub networking: NetworkingConfig,
    /// Settings that were dropped.
    pub warnings: Warnings,
}

/// Refuses, completes, checks and merges, in the original's order.
pub fn prepare(
    request: CreateRequest,
    image: &ImageConfig,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Prepared, SpecError> {
    let CreateRequest { mut config, mut host_config, mut networking } = request;
    refuse_impossible(&config, &host_config)?;
    default_network(&mut host_config, &mut networking);
    if host_config.pids_limit.is_some_and(|limit| limit <= 0) {
        host_config.pids_limit = None;
    }
    if host_config.restart_policy.name.is_empty() {
        "no".clone_into(&mut host_config.restart_policy.name);
    }
    let mut warnings = validate::settings(&mut config, &mut host_config, facts, host)?;
    warnings.extend(platform_warning(image));
    let mut config = merge(config, Some(&image.config)).map_err(Refused::from)?;
    // A command line of the image's stays one, even below a command of the container's own.
    config.args_escaped |= image.config.args_escaped;
    if host_config.isolation.is_default() {
        host_config.isolation = facts.default_isolation.into();
    }
    Ok(Prepared { config, host_config, networking, warnings })
}

/// Nothing, or `default`, means the platform's network, in both places.
fn default_network(host_config: &mut HostConfig, networking: &mut NetworkingConfig) {
    if !host_config.network_mode.is_default() {
        return;
    }
    host_config.network_mode = std::mem::take(&mut host_config.network_mode).or_default();
    if let Some(endpoint) = networking.endpoints_config.remove("default") {
        networking.endpoints_config.insert(NetworkMode::NAT.to_owned(), endpoint);
    }
}

fn platform_warning(image: &ImageConfig) -> Option<String> {
    let (os, architecture) = (image.os.as_str(), image.architecture.as_str());
    let windows = os.is_empty() || os.eq_ignore_ascii_case("windows");
    let matches = windows && matches!(architecture, "" | "amd64");
    (!matches).then(|| {
        format!(
            "The requested image's platform ({os}/{architecture}) does not match the detected host \
             platform (windows/amd64) and no specific platform was requested"
        )
    })
}
