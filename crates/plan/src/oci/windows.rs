//! The Windows section of a spec.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The Windows section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Windows {
    /// Layer folders, nearest parent first, then the scratch folder. Always written.
    #[serde(default)]
    pub layer_folders: Option<Vec<String>>,
    /// Devices.
    #[serde(default, skip_serializing_if = "no_devices")]
    pub devices: Option<Vec<Device>>,
    /// Limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// A credential spec, as a string; anything else is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_spec: Option<Value>,
    /// Not used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub servicing: bool,
    /// Only in documents of schema 1.0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_flushes_during_boot: bool,
    /// Its presence asks for hypervisor isolation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperv: Option<HyperV>,
    /// Network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn no_devices(devices: &Option<Vec<Device>>) -> bool {
    devices.as_ref().is_none_or(Vec::is_empty)
}

/// A device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Which one.
    #[serde(default)]
    pub id: String,
    /// What kind of id that is.
    #[serde(default)]
    pub id_type: String,
}

/// Limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
}

/// Memory limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Processor limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// A weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<u16>,
    /// 1/10000 of all processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u16>,
    /// Which processors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<Affinity>,
}

/// Processors of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affinity {
    /// A bit for each.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mask: u64,
    /// The group.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub group: u32,
}

/// Storage limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Operations a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<u64>,
    /// Bytes a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bps: Option<u64>,
    /// The most that the scratch may hold, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_size: Option<u64>,
}

/// Hypervisor isolation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperV {
    /// Only in documents of schema 1.0.
    #[serde(default, rename = "utilityVMPath", skip_serializing_if = "String::is_empty")]
    pub utility_vm_path: String,
}

/// Network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Endpoints to put into a namespace that is made for the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoint_list: Vec<String>,
    /// Complete names without dots.
    #[serde(
        default,
        rename = "allowUnqualifiedDNSQuery",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub allow_unqualified_dns_query: bool,
    /// Search suffixes.
    #[serde(default, rename = "DNSSearchList", skip_serializing_if = "Vec::is_empty")]
    pub dns_search_list: Vec<String>,
    /// Another container whose network this one shares.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_shared_container_name: String,
    /// The namespace, if there is one already.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_namespace: String,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
