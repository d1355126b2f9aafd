//! What is refused as soon as a request is read: it can never work on Windows.

use thiserror::Error;

use super::NoCommand;
use crate::api::{Config, HostConfig};
use crate::isolation::IsolationMode;

/// A request that cannot be read, or asks for what Windows does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each message says what the variant means")]
pub enum Refused {
    #[error("invalid JSON: {0}")]
    Json(String),
    #[error("unexpected content after JSON")]
    Trailing,
    #[error("config cannot be empty in order to create a container")]
    NoConfig,
    #[error("invalid network mode: invalid container format container:<name|id>")]
    ContainerMode,
    #[error("conflicting options: hostname and the network mode")]
    SharedHostname,
    #[error(
        "conflicting options: container type network can't be used with links. This would result \
         in undefined behavior"
    )]
    SharedLinks,
    #[error("conflicting options: dns and the network mode")]
    SharedDns,
    #[error("conflicting options: custom host-to-IP mapping and the network mode")]
    SharedHosts,
    #[error("conflicting options: port publishing and the container type network mode")]
    SharedPublish,
    #[error("conflicting options: port exposing and the container type network mode")]
    SharedExpose,
    #[error(
        "invalid network-mode: using the network stack of another container is not supported while \
         using Hyper-V Containers"
    )]
    SharedHyperV,
    #[error("invalid isolation ({0}): Windows supports 'default', 'process', or 'hyperv'")]
    Isolation(String),
    #[error("invalid option: {what} is not supported for Windows containers")]
    Option { what: &'static str, field: &'static str },
    #[error(transparent)]
    NoCommand(#[from] NoCommand),
}

impl Refused {
    /// The setting at fault, by its name in the API.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Trailing | Self::NoConfig => "Config",
            Self::ContainerMode | Self::SharedHyperV => "NetworkMode",
            Self::SharedHostname => "Hostname",
            Self::SharedLinks => "Links",
            Self::SharedDns => "Dns",
            Self::SharedHosts => "ExtraHosts",
            Self::SharedPublish => "PortBindings",
            Self::SharedExpose => "ExposedPorts",
            Self::Isolation(_) => "Isolation",
            Self::Option { field, .. } => field,
            Self::NoCommand(_) => "Cmd",
        }
    }
}

/// Refuses what can never work, before anything is looked up.
pub fn refuse_impossible(config: &Config, host: &HostConfig) -> Result<(), Refused> {
    shared_stack(config, host)?;
    let asked = host.isolation.explicit();
    let shares = host.network_mode.container().is_some();
    if shares && asked == Ok(Some(IsolationMode::HyperV)) {
        return Err(Refused::SharedHyperV);
    }
    asked.map_err(|unknown| Refused::Isolation(unknown.0))?;
    let options = [
        ("CPU real-time period", "CpuRealtimePeriod", host.cpu_realtime_period != 0),
        ("CPU real-time runtime", "CpuRealtimeRuntime", host.cpu_realtime_runtime != 0),
        ("privileged mode", "Privileged", host.privileged),
        ("read-only mode", "ReadonlyRootfs", host.readonly_rootfs),
    ];
    match options.into_iter().find(|(.., given)| *given) {
        Some((what, field, _)) => Err(Refused::Option { what, field }),
        None => Ok(()),
    }
}

/// A container without a network stack of its own has no settings for one either.
fn shared_stack(config: &Config, host: &HostConfig) -> Result<(), Refused> {
    let Some(name) = host.network_mode.container() else { return Ok(()) };
    if name.split(':').next().unwrap_or_default().is_empty() {
        return Err(Refused::ContainerMode);
    }
    let publishes = !host.port_bindings.is_empty() || host.publish_all_ports;
    let conflicts = [
        (Refused::SharedHostname, !config.hostname.is_empty()),
        (Refused::SharedLinks, !host.links.is_empty()),
        (Refused::SharedDns, !host.dns.is_empty()),
        (Refused::SharedHosts, !host.extra_hosts.is_empty()),
        (Refused::SharedPublish, publishes),
        (Refused::SharedExpose, !config.exposed_ports.is_empty()),
    ];
    match conflicts.into_iter().find(|(_, given)| *given) {
        Some((refusal, _)) => Err(refusal),
        None => Ok(()),
    }
}
