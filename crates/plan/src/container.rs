//! A container's plan, from its request: where it runs decides who plans it.

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::host_process;
use crate::oci::Spec;
use crate::plan::Plan;
use crate::process_isolated::process_isolated;
use crate::request::ContainerRequest;
use crate::wcow::credential_spec;

/// Plans what a task runs in: a job object for a host process container of this host, or else a
/// [`container`].
pub fn system(request: &ContainerRequest, host: &HostFacts, lookups: &dyn Lookups) -> Result<Plan> {
    if host.is_unix() || request.vm.is_some() || !request.spec.is_job_container() {
        return container(request, host, lookups);
    }
    check_isolation(request, host)?;
    host_process::plan(request, host, lookups)
}

/// Plans a container, whose document has no word for host processes: as processes of this host, or in the VM that the request names.
///
/// Decides every value, and touches nothing: what it has to know of the host it asks `lookups`.
pub fn container(
    request: &ContainerRequest,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Plan> {
    check_isolation(request, host)?;
    check_credentials(&request.spec)?;
    match &request.vm {
        None => process_isolated(request, host, lookups),
        Some(vm) if vm.is_windows() => crate::hosted::windows(request, vm, host, lookups),
        Some(vm) => crate::hosted::linux(request, vm, host, lookups),
    }
}

fn check_isolation(request: &ContainerRequest, host: &HostFacts) -> Result<()> {
    let spec = &request.spec;
    if spec.is_lcow() && (host.is_unix() || request.vm.is_none()) {
        let why = "Linux containers run in a VM; they come with the VM engine";
        return Err(PlanError::unsupported("linux", why));
    }
    if spec.windows.is_none() && !spec.is_lcow() {
        return Err(PlanError::missing("windows", "a Windows container has a Windows section"));
    }
    if host.is_unix() && (spec.is_isolated() || request.vm.is_some()) {
        let why = "hypervisor isolation comes with the VM engine; \
                   without the section the container runs process isolated";
        return Err(PlanError::unsupported("windows.hyperv", why));
    }
    if host.is_unix() && spec.is_job_container() {
        let why = "a host process container sees the host's Windows, and this host has none";
        return Err(PlanError::unsupported(names::HOST_PROCESS, why));
    }
    Ok(())
}

/// Refuses credentials where the operator has switched them off.
pub(crate) fn check_credentials(spec: &Spec) -> Result<()> {
    let given = spec.windows.as_ref().and_then(credential_spec).is_some();
    let disabled = spec
        .annotations
        .as_ref()
        .is_some_and(|annotations| values::boolean(annotations, names::GMSA_DISABLE, false));
    if given && disabled {
        return Err(PlanError::Denied {
            field: "windows.credentialSpec".into(),
            what: format!("`{}` switches credential specs off", names::GMSA_DISABLE),
        });
    }
    Ok(())
}
