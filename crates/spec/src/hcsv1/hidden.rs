//! Members of a spec for which the types of `oci-spec` have no getters, read through their JSON.

use oci_spec::runtime::{WindowsNetwork, WindowsResources};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    pub(super) cpu: Cpu,
    pub(super) memory: Memory,
    pub(super) storage: Storage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cpu {
    pub(super) count: u64,
    pub(super) shares: u64,
    pub(super) maximum: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    pub(super) limit: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Storage {
    pub(super) bps: u64,
    pub(super) iops: u64,
}

impl Limits {
    pub(super) fn of(resources: Option<WindowsResources>) -> Self {
        let json = resources.map(serde_json::to_value);
        let json = json.transpose().expect("limits are JSON").unwrap_or_default();
        serde_json::from_value(json).unwrap_or_default()
    }
}

/// Whether names without a dot are looked up in DNS.
pub(super) fn allows_unqualified_dns(network: &WindowsNetwork) -> bool {
    let json = serde_json::to_value(network).expect("a network section is JSON");
    json["allowUnqualifiedDNSQuery"].as_bool().unwrap_or_default()
}
