//! A decided plan: what to acquire, and the document that results.

use schema::SystemId;
use schema::container::{AssignedDevice, CredentialGuard, Layer};
use schema::document::{ComputeSystem, SchemaVersion};
use schema::process::ProcessParameters;
use schema::v1;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{PlanError, Result};
use crate::host::PathStyle;
use crate::oci::Affinity;
use crate::step::Step;
use crate::vm::Devices;

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
    /// The schema version decided on.
    pub schema: SchemaVersion,
    /// What to acquire, in order.
    pub steps: Vec<Step>,
    /// The document, with what acquisition tells still absent.
    pub document: ComputeSystem,
    /// The same container in schema 1.0, with what acquisition tells still absent. Only sent where
    /// that schema was decided on.
    pub v1: v1::ContainerConfig,
    /// Which document is handed over, and to whom.
    pub sent: Sent,
    /// The first process, if the spec has one.
    pub process: Option<ProcessParameters>,
    /// Processors to bind the system to after it was created and before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<Affinity>,
    /// What the hosting VM has been given when the steps are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_devices: Option<Devices>,
    /// Values that were not taken as they were asked for, for a person to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// Which document is handed over, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sent {
    /// [`Plan::document`], to the host's engine.
    System,
    /// [`Plan::v1`], to the host's engine.
    V1,
    /// [`Plan::document`], to the guest of a Windows VM.
    Hosted,
    /// The same with the whole spec, to the guest of a confidential Windows VM.
    Confidential {
        /// The spec.
        spec: Value,
    },
    /// A Linux container's own document, to the guest of a Linux VM.
    Linux {
        /// It.
        document: Value,
    },
}

impl Sent {
    /// Whether it goes to a VM's guest.
    pub fn is_for_guest(&self) -> bool {
        !matches!(self, Self::System | Self::V1)
    }
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
    /// The document to hand over, with what acquisition told.
    pub fn message(&self, acquired: &Acquired) -> Result<Value> {
        Ok(match &self.sent {
            Sent::System | Sent::Hosted => value_of(&self.complete(acquired)?),
            Sent::V1 => value_of(&self.complete_v1(acquired)?),
            Sent::Confidential { spec } => json!({
                "Spec": spec, "CWCOWHostedSystem": value_of(&self.complete(acquired)?),
            }),
            Sent::Linux { document } => document.clone(),
        })
    }

    /// The document of schema 1.0 with what acquisition told.
    pub fn complete_v1(&self, acquired: &Acquired) -> Result<v1::ContainerConfig> {
        let mut document = self.v1.clone();
        if let Some(root) = acquired.root.as_ref().filter(|_| !self.sent.is_for_guest()) {
            let path = crate::root::document_path(root, self.paths)?;
            path.trim_end_matches('\\').clone_into(&mut document.volume_path);
            let layer =
                |layer: &Layer| v1::Layer { id: layer.id.clone(), path: layer.path.clone() };
            let layers: Vec<_> = acquired.layers.iter().map(layer).collect();
            document.layers = Some(layers).filter(|layers| !layers.is_empty());
        }
        Ok(document)
    }

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

fn value_of(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("documents hold only what JSON can")
}
