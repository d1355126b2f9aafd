//! The document that creates a compute system: `HcsCreateComputeSystem`'s configuration.

use serde::{Deserialize, Serialize};

use crate::container::Container;

/// A schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SchemaVersion {
    /// Major part: 2 for every document that Transom makes, unless 1 was asked for.
    #[serde(default)]
    pub major: u32,
    /// Minor part; a zero is not written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minor: u32,
}

impl SchemaVersion {
    /// The version of Windows Server 2019 and later.
    pub const V2_1: Self = Self { major: 2, minor: 1 };
}

/// A compute system as HCS takes it (schema 2.x `ComputeSystem`).
///
/// Holds what the host's engine needs to run a container. A utility VM's document is made by
/// `plan` and carried here as [`ComputeSystem::virtual_machine`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ComputeSystem {
    /// Who created it; systems are listed by owner.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// The version that the rest is written in.
    pub schema_version: SchemaVersion,
    /// The id of the VM that hosts the container, if one does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hosting_system_id: String,
    /// A container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// A utility VM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine: Option<serde_json::Value>,
    /// End the system when the last handle to it is closed. Transom never asks for it on Linux: a
    /// container outlives its shim, and `delete` finds it by id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub should_terminate_on_last_handle_closed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}
