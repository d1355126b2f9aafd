//! What a bundle would become, decided by the shim's own rules and with nothing touched.

use std::path::Path;

use plan::sandbox::Role;
use plan::task::{Created, TaskRequest};
use plan::{ContainerRequest, Plan, PlanError, Spec, Streams};
use resources::HostFiles;
use schema::SystemId;
use serde_json::Value;

use crate::roles::pod_folder;

/// Containerd's, where nobody names one.
const NAMESPACE: &str = "default";

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is no bundle.
    #[error("reading {path}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It would be refused.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No container comes of it.
    #[error("it makes {0}")]
    NoContainer(&'static str),
}

/// A decided plan, to be looked at.
#[derive(Debug)]
pub struct Preview(Plan);

impl Preview {
    /// Steps, document and first process.
    pub fn to_json(&self) -> Value {
        self.0.to_json()
    }

    /// The same for a person.
    pub fn to_table(&self) -> String {
        self.0.to_table()
    }
}

/// Plans the bundle in `folder` for the task `id`, as `Create` would.
pub fn preview(folder: &Path, id: SystemId) -> Result<Preview, PreviewError> {
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| PreviewError::Read { path: path.display().to_string(), source })?;
    let mut spec = Spec::from_json(&text)?;
    let facts = resources::facts();
    let beside = plan::linux_shaped::adopt(&mut spec, &facts, &HostFiles)?;
    let stdio = Streams { stdin: false, stdout: true, stderr: true };
    let annotations = spec.annotations.clone().unwrap_or_default();
    let pod = match Role::of(&annotations)? {
        Role::Container(pod) => {
            let state = engine::HostEngine::from_env().config().state.clone();
            let pod = pod_folder(&state, NAMESPACE, &pod).display().to_string();
            let request = ContainerRequest {
                sandbox_folder: Some(pod),
                beside,
                ..ContainerRequest::new(id, crate::OWNER, spec)
            };
            return Ok(Preview(plan::system(&request.stdio(stdio), &facts, &HostFiles)?));
        }
        Role::Sandbox(pod) => Some(pod),
        Role::Standalone => None,
    };
    let request = TaskRequest {
        id: pod.as_ref().and_then(|pod| SystemId::new(pod.clone()).ok()).unwrap_or(id),
        owner: crate::OWNER.to_owned(),
        bundle: folder.display().to_string(),
        is_sandbox: pod.is_some(),
        terminal: spec.process.as_ref().is_some_and(|process| process.terminal),
        spec,
        options: plan::annotations::ShimOptions::default(),
        rootfs: Vec::new(),
        beside,
        stderr: String::new(),
        stdio,
    };
    match plan::task::create(request, &facts, &HostFiles)? {
        Created::Container(plan) => Ok(Preview(*plan)),
        Created::HostProcessPod => Err(PreviewError::NoContainer("a pod of host processes")),
        Created::Vm(_) => Err(PreviewError::NoContainer("a utility VM")),
    }
}
