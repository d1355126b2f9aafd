//! A container's document of schema 1.0, which builds of Windows before Server 2019 take.
//!
//! Transom only makes it where it is asked for; the Linux engine does not take it. Unlike in
//! schema 2.x, several fields are written even when they are zero.

use serde::{Deserialize, Serialize};

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// Always `Container`.
    pub system_type: String,
    /// The container's id.
    pub name: String,
    /// Who creates it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// The scratch volume, without a backslash at its end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub volume_path: String,
    /// Do not wait for writes while it starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_flushes_during_boot: bool,
    /// Layers, nearest parent first; `null` when there are none.
    pub layers: Option<Vec<Layer>>,
    /// The credential spec.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credentials: String,
    /// Processors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub processor_count: u32,
    /// Weight.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub processor_weight: u64,
    /// 1/10000 of all processors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub processor_maximum: i64,
    /// Operations a second.
    #[serde(default, rename = "StorageIOPSMaximum", skip_serializing_if = "is_zero")]
    pub storage_iops_maximum: u64,
    /// Bytes a second.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub storage_bandwidth_maximum: u64,
    /// Memory.
    #[serde(default, rename = "MemoryMaximumInMB", skip_serializing_if = "is_zero")]
    pub memory_maximum_in_mb: i64,
    /// The computer name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_name: String,
    /// Host directories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_directories: Vec<MappedDir>,
    /// Host pipes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_pipes: Vec<MappedPipe>,
    /// Whether HCS makes a VM for it.
    pub hv_partition: bool,
    /// Another container whose network this one shares.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_shared_container_name: String,
    /// Endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoint_list: Vec<String>,
    /// The VM that HCS makes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hv_runtime: Option<HvRuntime>,
    /// Complete names without dots.
    #[serde(
        default,
        rename = "AllowUnqualifiedDNSQuery",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub allow_unqualified_dns_query: bool,
    /// Suffixes, joined with `,`.
    #[serde(default, rename = "DNSSearchList", skip_serializing_if = "String::is_empty")]
    pub dns_search_list: String,
}

/// A layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// A GUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its folder.
    #[serde(rename = "Path")]
    pub path: String,
}

/// A host directory; every field is always written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MappedDir {
    /// On the host, as it was asked for.
    pub host_path: String,
    /// In the container.
    pub container_path: String,
    /// No writing.
    pub read_only: bool,
    /// Never set.
    pub bandwidth_maximum: u64,
    /// Never set.
    #[serde(rename = "IOPSMaximum")]
    pub iops_maximum: u64,
    /// Never set.
    #[serde(rename = "CreateInUtilityVM")]
    pub create_in_utility_vm: bool,
}

/// A host pipe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MappedPipe {
    /// On the host.
    pub host_path: String,
    /// Inside, without `\\.\pipe\`.
    pub container_pipe_name: String,
}

/// The VM that HCS makes for a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HvRuntime {
    /// Where its image is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image_path: String,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
