//! The `Container` part of a compute system document (schema 2.1).
//!
//! Meanings and units are those of the HCS schema reference; each field's doc says what the Linux
//! engine does with it where that is not obvious.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::job::JobContainer;

/// A Windows container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Container {
    /// The system inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_os: Option<GuestOs>,
    /// Layers and scratch.
    #[serde(default)]
    pub storage: Storage,
    /// Host directories and files mapped in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_directories: Vec<MappedDirectory>,
    /// Host pipes mapped in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_pipes: Vec<MappedPipe>,
    /// Memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Processor limits; at most one of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<Processor>,
    /// Network namespace and name resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networking: Option<Networking>,
    /// Hyper-V sockets; refused by the Linux engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hv_socket: Option<serde_json::Value>,
    /// The group managed service account, as the credential guard returned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_credential_guard: Option<CredentialGuard>,
    /// Registry values written before the first process starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_changes: Option<RegistryChanges>,
    /// Host devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assigned_devices: Vec<AssignedDevice>,
    /// Device extensions, `snake_case` inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_device_namespace: Option<serde_json::Value>,
    /// `HostProcess`, or absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation_type: String,
    /// A job object on the host instead of a container: Transom's own, HCS has no word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobContainer>,
    /// The control group of its processes below a Linux host's trees; empty for one of the engine's
    /// choice. Transom's own: HCS has no word for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub control_group: String,
}

/// The system inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GuestOs {
    /// Its computer name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_name: String,
}

/// Layers and scratch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Storage {
    /// Read-only layers, the nearest parent first, the base last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// The scratch: a volume on Windows, a scratch folder on Linux.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Limits of the scratch.
    #[serde(default, rename = "QoS", skip_serializing_if = "Option::is_none")]
    pub qos: Option<StorageQos>,
    /// Where a host-process container in a VM sees its root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub privileged_container_root_path: String,
}

/// A read-only layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Layer {
    /// A GUID made from the path's last element.
    pub id: String,
    /// The layer folder. On Linux its `fs` subfolder holds the files.
    pub path: String,
}

/// Limits of the scratch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StorageQos {
    /// I/O operations a second; 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iops_maximum: i32,
    /// Bytes a second; 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bandwidth_maximum: i32,
}

/// A host directory or file mapped in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedDirectory {
    /// On the host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_path: String,
    /// What kind of host path it is; never set by hcsshim.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_path_type: String,
    /// Inside: an absolute Windows path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container_path: String,
    /// No writing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A host pipe mapped in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedPipe {
    /// Inside, without `\\.\pipe\`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container_pipe_name: String,
    /// On the host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_path: String,
    /// What kind of host path it is; never set by hcsshim.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_path_type: String,
}

/// Memory limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Memory {
    /// Commit limit in MiB; 0 is none.
    #[serde(default, rename = "SizeInMB", skip_serializing_if = "is_zero")]
    pub size_in_mb: u64,
}

/// Processor limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Processor {
    /// Logical processors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub count: i32,
    /// Share of all processors, in 1/10000 (10000 is everything).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub maximum: i32,
    /// Relative weight, 1 to 10000; 500 is usual.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: i32,
}

/// Network namespace and name resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Networking {
    /// Complete a name without dots by the suffixes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_unqualified_dns_query: bool,
    /// Suffixes, joined with `,`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dns_search_list: String,
    /// Another container whose network this one shares.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_shared_container_name: String,
    /// The namespace: a GUID on Windows, the name of a namespace that the engine's network
    /// provider made (or a path to one) on Linux. Empty is a namespace with nothing but loopback.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Endpoints; never set by hcsshim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_adapters: Vec<String>,
}

/// A credential guard instance, copied as HCS returned it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CredentialGuard {
    /// Opaque.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cookie: String,
    /// Where the instance answers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rpc_endpoint: String,
    /// `LRPC` or `HvSocket`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub transport: String,
    /// The credential spec's JSON, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential_spec: String,
}

/// Registry values written before the first process starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryChanges {
    /// Values to set, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_values: Vec<RegistryValue>,
    /// Keys to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete_keys: Vec<RegistryKey>,
}

/// A registry key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryKey {
    /// `System`, `Software`, `Security` or `Sam`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hive: String,
    /// Path within the hive.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Keep only until the system ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub volatile: bool,
}

/// A registry value; exactly one of the four values belongs to its type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryValue {
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RegistryKey>,
    /// Its name; empty is the key's default value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `None`, `String`, `ExpandedString`, `MultiString`, `Binary`, `DWord`, `QWord`, `CustomType`.
    #[serde(default, rename = "Type", skip_serializing_if = "String::is_empty")]
    pub value_type: String,
    /// For `String`, `ExpandedString` and `MultiString`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub string_value: String,
    /// For `Binary`: base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub binary_value: String,
    /// For `DWord`.
    #[serde(default, rename = "DWordValue", skip_serializing_if = "is_zero")]
    pub dword_value: i32,
    /// For `QWord`.
    #[serde(default, rename = "QWordValue", skip_serializing_if = "is_zero")]
    pub qword_value: i32,
    /// For `CustomType`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub custom_type: i32,
}

/// A host device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssignedDevice {
    /// `DeviceInstance`, or absent for an interface class.
    #[serde(default, rename = "Type", skip_serializing_if = "String::is_empty")]
    pub device_type: String,
    /// The class: all of its interfaces are assigned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interface_class_guid: String,
    /// The one device.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location_path: String,
}

/// Environment variables, by name. Windows compares the names without case.
pub type Environment = BTreeMap<String, String>;

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
