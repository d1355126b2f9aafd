//! Specs that a Linux containerd makes for a Windows image, turned into the specs they stand for.
//!
//! There every spec has a Linux section, whatever the image is: a pod's network is a namespace by
//! its path, limits are those of control groups, a volume at `C:\x` is mounted at `/C:\x`, and the
//! files that name hosts are mounts. What a Windows container has no use for (kernel file systems,
//! capabilities, seccomp, masked paths: a silo is confined without being asked) goes; what it would
//! silently lose is refused.
//!
//! Only a host with the Linux engine does this: on Windows a Linux section means a Linux container.

mod control_group;
mod devices;
mod limits;
mod mounts;
mod names;
mod process;
mod refused;

pub use limits::update;
pub use process::adopt_process;

use schema::names::Names;
use serde_json::Value;

use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::oci::{Network, Spec};
use crate::sandbox::Role;

/// Whether a spec is one that [`adopt`] changes.
pub fn is_one(spec: &Spec, host: &HostFacts) -> bool {
    host.is_unix() && spec.is_lcow()
}

/// What a Linux-shaped spec tells that a Windows one has no place for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Names that the container is to know, beside what its network brings.
    pub names: Names,
    /// The control group of its processes, below each tree; empty for the engine's choice.
    pub control_group: String,
}

/// Turns a Linux-shaped spec into a Windows one, and tells what stands beside it. Any other stays as
/// it is.
pub fn adopt(spec: &mut Spec, host: &HostFacts, lookups: &dyn Lookups) -> Result<Beside> {
    let linux = spec.linux.take_if(|_| host.is_unix());
    let Some(linux) = linux else { return Ok(Beside::default()) };
    let annotations = spec.annotations.clone().unwrap_or_default();
    let role = Role::of(&annotations)?;
    refused::check(spec, &linux)?;
    let control_group = control_group::of_section(&linux)?;
    let names = mounts::adopt(spec, lookups)?;
    let windows = spec.windows.get_or_insert_default();
    if windows.resources.is_none() {
        windows.resources = limits::of_section(&linux, host)?;
    }
    if windows.devices.is_none() {
        windows.devices = devices::of_section(&linux)?;
    }
    if windows.network.is_none() {
        windows.network = network(&linux, &role)?;
    }
    process::credentials(windows, &annotations);
    if let Some(process) = spec.process.as_mut() {
        adopt_process(process, &annotations)?;
        if spec.hostname.is_empty() {
            spec.hostname = process::host_name(process).unwrap_or_default();
        }
    }
    if let Some(root) = spec.root.as_mut() {
        // Where it would have been mounted.
        root.path.clear();
    }
    Ok(Beside { names, control_group })
}

/// The refusal of the host's own network, which `field` asks for.
pub fn host_network(field: &str) -> PlanError {
    let why = "a Windows container cannot be in the host's network: \
               leave out hostNetwork, or --net-host";
    PlanError::unsupported(field, why)
}

/// The network that the namespaces name. A pod's container has its pod's, whatever its own spec
/// says: the process that it names stands for the pod's, which has none here.
fn network(linux: &Value, role: &Role) -> Result<Option<Network>> {
    if matches!(role, Role::Container(_)) {
        return Ok(None);
    }
    let namespaces = linux["namespaces"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(own) = namespaces.iter().find(|namespace| namespace["type"] == "network") else {
        return Err(host_network("linux.namespaces"));
    };
    Ok(Some(Network {
        // Without a path it is one of the container's own, with nothing attached.
        network_namespace: own["path"].as_str().unwrap_or_default().to_owned(),
        // As a Linux container resolves names: those with dots may be completed, too.
        allow_unqualified_dns_query: true,
        ..Network::default()
    }))
}

#[cfg(test)]
mod tests;
