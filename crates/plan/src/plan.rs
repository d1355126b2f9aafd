//! A decided plan: what to acquire, and the document that results.

use schema::SystemId;
use schema::container::{AssignedDevice, CredentialGuard, Layer};
use schema::document::ComputeSystem;
use schema::process::ProcessParameters;
use schema::v1;
use serde::{Deserialize, Serialize};

use crate::error::{PlanError, Result};
use crate::host::PathStyle;
use crate::oci::Affinity;
use crate::step::Step;

/// A decided plan for a container that the host's engine runs.
///
/// Everything is decided but what only acquisition can tell: where the layers end up mounted, what
/// a new namespace is called, what the credential guard answers. [`Plan::complete`] puts these in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The compute system's id.
    pub id: SystemId,
    /// How the host spells paths.
    pub paths: PathStyle,
    /// What to acquire, in order.
    pub steps: Vec<Step>,
    /// The document, with what acquisition tells still absent.
    pub document: ComputeSystem,
    /// The same container in schema 1.0, with what acquisition tells still absent. Only sent where
    /// that schema was decided on.
    pub v1: v1::ContainerConfig,
    /// The first process, if the spec has one.
    pub process: Option<ProcessParameters>,
    /// Processors to bind the system to after it was created and before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<Affinity>,
    /// Values that were not taken as they were asked for, for a person to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What acquisition tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acquired {
    /// Where the layers are mounted.
    pub root: Option<String>,
    /// The layers as the engine names them.
    pub layers: Vec<Layer>,
    /// The namespace that was made.
    pub namespace: Option<String>,
    /// What the credential guard answered.
    pub credentials: Option<CredentialGuard>,
    /// Location paths of devices that were assigned to a VM.
    pub locations: Vec<String>,
}

impl Plan {
    /// The document with what acquisition told.
    pub fn complete(&self, acquired: &Acquired) -> Result<ComputeSystem> {
        let mut document = self.document.clone();
        let container = document
            .container
            .as_mut()
            .ok_or_else(|| PlanError::missing("document.Container", "this plan is for one"))?;
        if let Some(root) = &acquired.root {
            container.storage.path = crate::root::document_path(root, self.paths)?;
            container.storage.layers.clone_from(&acquired.layers);
        }
        if let Some(namespace) = &acquired.namespace {
            container.networking.get_or_insert_default().namespace.clone_from(namespace);
        }
        if let Some(guard) = &acquired.credentials {
            container.container_credential_guard = Some(guard.clone());
        }
        container.assigned_devices.extend(acquired.locations.iter().map(|path| AssignedDevice {
            device_type: "DeviceInstance".into(),
            location_path: path.clone(),
            ..AssignedDevice::default()
        }));
        Ok(document)
    }
}
