//! A create request of containerd: what it makes, decided before anything is touched.

use schema::SystemId;

use crate::annotations::{ShimOptions, names};
use crate::container::container;
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups, builds};
use crate::linux_shaped::Beside;
use crate::oci::{Annotations, Spec};
use crate::plan::Plan;
use crate::request::{ContainerRequest, RootfsMount, Streams};
use crate::sandbox::Role;
use crate::vm::{self, LinuxOptions, VmPlan, WindowsOptions};

/// A create request for a pod, or for a container on its own. Containers of a pod are
/// [`sandbox::adjust_container`](crate::sandbox::adjust_container)'s.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    /// The task's id.
    pub id: SystemId,
    /// Who creates it.
    pub owner: String,
    /// The folder of its bundle.
    pub bundle: String,
    /// The shim serves a pod.
    pub is_sandbox: bool,
    /// The bundle's `config.json`.
    pub spec: Spec,
    /// The shim's options.
    pub options: ShimOptions,
    /// Mounts that containerd passes beside the spec.
    pub rootfs: Vec<RootfsMount>,
    /// The first process has a console.
    pub terminal: bool,
    /// Where its stderr goes.
    pub stderr: String,
    /// Which of its streams are connected.
    pub stdio: Streams,
    /// What a Linux-shaped spec told beside itself.
    pub beside: Beside,
}

/// What a create request makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// A container on this host.
    Container(Box<Plan>),
    /// A pod with nothing to run: its containers are processes of the host.
    HostProcessPod,
    /// A VM; what runs in it is planned when it runs.
    Vm(Box<VmPlan>),
}

/// Decides it.
pub fn create(request: TaskRequest, host: &HostFacts, lookups: &dyn Lookups) -> Result<Created> {
    let mut request = request;
    request.options.prepare(&mut request.spec)?;
    if request.terminal && !request.stderr.is_empty() {
        let rule = "must be empty: a console has one stream";
        return Err(PlanError::field("stderr", &request.stderr, rule));
    }
    check_role(&request, host)?;
    let spec = &request.spec;
    // Before Windows Server 2019 nothing was isolated by a VM that the shim owns.
    if spec.is_isolated() && (request.is_sandbox || host.build >= builds::RS5) {
        return create_vm(&request, host, lookups).map(|plan| Created::Vm(Box::new(plan)));
    }
    if !spec.is_wcow() {
        return Err(PlanError::missing("windows", "neither a Windows nor a Linux container"));
    }
    if request.is_sandbox && spec.is_job_container() && !host.is_unix() {
        return Ok(Created::HostProcessPod);
    }
    let asked = ContainerRequest {
        beside: request.beside,
        ..ContainerRequest::new(request.id, request.owner, request.spec)
    };
    let asked = asked.rootfs(request.rootfs).stdio(request.stdio);
    container(&asked, host, lookups).map(|plan| Created::Container(Box::new(plan)))
}

fn check_role(request: &TaskRequest, host: &HostFacts) -> Result<()> {
    let none = Annotations::new();
    let role = Role::of(request.spec.annotations.as_ref().unwrap_or(&none))?;
    match (request.is_sandbox, &role) {
        (false, Role::Standalone) => Ok(()),
        (false, role) => {
            let why = "a container on its own has no role in a pod";
            Err(PlanError::field(names::KUBERNETES_TYPE, role.as_str(), why))
        }
        (true, _) if host.build < builds::RS5 => {
            Err(PlanError::unsupported("pod", "pods need Windows Server 2019"))
        }
        (true, Role::Sandbox(pod)) if pod == request.id.as_str() => Ok(()),
        (true, Role::Sandbox(pod)) => {
            Err(PlanError::field(names::KUBERNETES_SANDBOX, pod, "must be the task's own id"))
        }
        (true, role) => {
            let why = "the first container of a pod is its sandbox";
            Err(PlanError::field(names::KUBERNETES_TYPE, role.as_str(), why))
        }
    }
}

fn create_vm(request: &TaskRequest, host: &HostFacts, lookups: &dyn Lookups) -> Result<VmPlan> {
    if host.is_unix() {
        let why = "hypervisor isolation comes with the VM engine; \
                   without the section the container runs process isolated";
        let field = if request.spec.is_lcow() { "linux" } else { "windows.hyperv" };
        return Err(PlanError::unsupported(field, why));
    }
    let id = SystemId::new(format!("{}@vm", request.id))
        .map_err(|error| PlanError::field("id", &request.id, error.to_string()))?;
    let (owner, spec) = (&request.owner, &request.spec);
    if spec.is_lcow() {
        let mut options = LinuxOptions::of(&id, owner, spec, host, lookups)?;
        options.common.bundle_directory.clone_from(&request.bundle);
        return vm::linux(&id, &options, host, lookups);
    }
    let mut options = WindowsOptions::of(&id, owner, spec, host)?;
    options.common.bundle_directory.clone_from(&request.bundle);
    vm::windows(&id, &options, spec, &request.rootfs, host, lookups)
}
