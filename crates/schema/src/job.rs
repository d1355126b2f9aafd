//! Host process containers: a job object on the Windows host itself, without HCS.
//!
//! HCS knows no such document: it is Transom's own, beside the container's, and only the Windows
//! engine takes it.

use serde::{Deserialize, Serialize};

/// What a job container is, beside the layers that the container's `Storage` names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobContainer {
    /// Where its processes see the container's files: `CONTAINER_SANDBOX_MOUNT_POINT`.
    pub root: String,
    /// The root and the mounts are bound in a silo of its own: only its processes see them there.
    /// Else the root is mounted on the host, and mounts are links below it.
    pub bound: bool,
    /// Its processes run as the shim's own account.
    pub inherit_user: bool,
    /// What it may use.
    pub limits: JobLimits,
    /// What is seen of the host's files.
    pub mounts: Vec<JobMount>,
}

/// Limits of a job; a zero is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobLimits {
    /// In 1/10000 of all processors.
    pub cpu_rate: u32,
    /// From 1 to 9.
    pub cpu_weight: u32,
    /// Processors by group.
    pub affinities: Vec<JobAffinity>,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Operations a second.
    pub iops: i64,
    /// Bytes a second.
    pub bandwidth: i64,
}

/// Processors of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobAffinity {
    /// A bit for each.
    pub mask: u64,
    /// The group.
    pub group: u16,
}

/// A host folder or file that is seen in the container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobMount {
    /// On the host.
    pub source: String,
    /// The path of its link, beneath the container's files.
    pub link: String,
    /// Where it is bound, of a container whose mounts are.
    pub destination: String,
    /// What is bound cannot be written to.
    pub read_only: bool,
}
