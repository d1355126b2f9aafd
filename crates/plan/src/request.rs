//! What is asked for: a container, as a shim has it in hand.

use schema::SystemId;
use schema::document::SchemaVersion;
use serde::{Deserialize, Serialize};

use crate::linux_shaped::Beside;
use crate::oci::Spec;
use crate::vm::HostingVm;

/// A container to plan.
#[derive(Debug, Clone)]
pub struct ContainerRequest {
    /// Its id, which is also its compute system's.
    pub id: SystemId,
    /// Who creates it: the name of the shim's executable.
    pub owner: String,
    /// Its spec, annotations expanded (see [`annotations`](crate::annotations)).
    pub spec: Spec,
    /// Mounts that containerd passes beside the spec.
    pub rootfs: Vec<RootfsMount>,
    /// The schema version asked for.
    pub schema_version: Option<SchemaVersion>,
    /// Which streams of the first process are connected.
    pub stdio: Streams,
    /// Recompute the processor limit for the VM's processors.
    pub scale_cpu_limits: bool,
    /// The VM that it is to run in, if it is to run in one.
    pub vm: Option<HostingVm>,
    /// The folder in which its pod keeps what its containers share (`sandbox://` mounts), on a host
    /// without a VM.
    pub sandbox_folder: Option<String>,
    /// What a Linux-shaped spec told beside itself.
    pub beside: Beside,
}

impl ContainerRequest {
    /// A request for `spec`, with no stream connected.
    pub fn new(id: SystemId, owner: impl Into<String>, spec: Spec) -> Self {
        Self {
            id,
            owner: owner.into(),
            spec,
            rootfs: Vec::new(),
            schema_version: None,
            stdio: Streams::default(),
            scale_cpu_limits: false,
            vm: None,
            sandbox_folder: None,
            beside: Beside::default(),
        }
    }

    /// The same with these streams connected.
    #[must_use]
    pub fn stdio(self, stdio: Streams) -> Self {
        Self { stdio, ..self }
    }

    /// The same with containerd's mounts.
    #[must_use]
    pub fn rootfs(self, rootfs: Vec<RootfsMount>) -> Self {
        Self { rootfs, ..self }
    }
}

/// A mount that containerd passes beside a spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootfsMount {
    /// What kind of layer.
    #[serde(rename = "type")]
    pub mount_type: String,
    /// The scratch folder.
    pub source: String,
    /// Must be empty.
    pub target: String,
    /// Parents, and more.
    pub options: Vec<String>,
}

/// Which standard streams of a process are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Streams {
    /// Into it.
    pub stdin: bool,
    /// Out of it.
    pub stdout: bool,
    /// Out of it.
    pub stderr: bool,
}
