//! Requests that change a running compute system (`HcsModifyComputeSystem`).

use serde::{Deserialize, Serialize};

/// What to do with the resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestType {
    /// Add one.
    Add,
    /// Take one away.
    Remove,
    /// Change it; what HCS assumes when nothing is said.
    #[default]
    Update,
}

/// A modify request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyRequest {
    /// Which resource, for example [`paths::MEMORY`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_path: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_type: Option<RequestType>,
    /// Its new settings, of the resource's own shape.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub settings: serde_json::Value,
    /// The part for a VM's guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_request: Option<serde_json::Value>,
}

/// The resource paths of a container.
pub mod paths {
    /// Settings: a number of MiB.
    pub const MEMORY: &str = "Container/Memory/SizeInMB";
    /// Settings: [`Processor`](crate::container::Processor).
    pub const PROCESSOR: &str = "Container/Processor";
    /// Settings: [`MappedDirectory`](crate::container::MappedDirectory); add and remove.
    pub const MAPPED_DIRECTORIES: &str = "Container/MappedDirectories";
    /// Settings: [`MappedPipe`](crate::container::MappedPipe); add and remove.
    pub const MAPPED_PIPES: &str = "Container/MappedPipes";
}
