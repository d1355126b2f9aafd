//! The documents.

use std::collections::BTreeMap;

use serde::Serialize;

/// A container to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct ContainerConfig {
    pub system_type: &'static str,
    pub name: String,
    pub owner: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub volume_path: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_flushes_during_boot: bool,
    pub layer_folder_path: String,
    pub layers: Vec<Layer>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credentials: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub processor_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub processor_weight: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub processor_maximum: u64,
    #[serde(rename = "StorageIOPSMaximum", skip_serializing_if = "is_zero")]
    pub storage_iops_maximum: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub storage_bandwidth_maximum: u64,
    #[serde(rename = "MemoryMaximumInMB", skip_serializing_if = "is_zero")]
    pub memory_maximum_in_mb: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mapped_directories: Vec<MappedDirectory>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mapped_pipes: Vec<MappedPipe>,
    pub hv_partition: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub network_shared_container_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoint_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hv_runtime: Option<HvRuntime>,
    #[serde(rename = "AllowUnqualifiedDNSQuery", skip_serializing_if = "std::ops::Not::not")]
    pub allow_unqualified_dns_query: bool,
    #[serde(rename = "DNSSearchList", skip_serializing_if = "String::is_empty")]
    pub dns_search_list: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assigned_devices: Vec<AssignedDevice>,
}

/// A read-only layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct Layer {
    #[serde(rename = "ID")]
    pub id: String,
    pub path: String,
}

/// A directory of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct MappedDirectory {
    pub host_path: String,
    pub container_path: String,
    pub read_only: bool,
    pub bandwidth_maximum: u64,
    #[serde(rename = "IOPSMaximum")]
    pub iops_maximum: u64,
    #[serde(rename = "CreateInUtilityVM")]
    pub create_in_utility_vm: bool,
}

/// A pipe of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct MappedPipe {
    pub host_path: String,
    pub container_pipe_name: String,
}

/// The utility VM's image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct HvRuntime {
    pub image_path: String,
}

/// A class of devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
pub struct AssignedDevice {
    pub interface_class_guid: String,
}

/// A process to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HCS's")]
#[expect(clippy::struct_excessive_bools, reason = "the document's own shape")]
pub struct ProcessConfig {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command_line: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_directory: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub emulate_console: bool,
    pub create_std_in_pipe: bool,
    pub create_std_out_pipe: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub create_std_err_pipe: bool,
    pub console_size: [u64; 2],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's calling convention")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
