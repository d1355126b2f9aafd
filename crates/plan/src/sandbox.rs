//! Pods: a container's role in one, and what a pod's annotations do to its containers.

use schema::SystemId;
use schema::names::Names;

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::HostFacts;
use crate::oci::{Annotations, Spec};
use crate::process_isolated::adopted;
use crate::step::Step;

/// A container's role, and the pod's id where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// On its own.
    Standalone,
    /// The container that holds a pod together.
    Sandbox(String),
    /// A container of a pod.
    Container(String),
}

impl Role {
    /// Reads it from annotations.
    pub fn of(annotations: &Annotations) -> Result<Self> {
        let (kind_name, id_name) = (names::KUBERNETES_TYPE, names::KUBERNETES_SANDBOX);
        let id = values::text(annotations, id_name).unwrap_or_default().to_owned();
        let role = match values::text(annotations, kind_name) {
            None if id.is_empty() => return Ok(Self::Standalone),
            None => return Err(PlanError::missing(kind_name, format!("`{id_name}` needs it"))),
            Some("sandbox") => Self::Sandbox(id),
            Some("container") => Self::Container(id),
            Some(other) => {
                return Err(PlanError::field(kind_name, other, "must be sandbox or container"));
            }
        };
        if role.pod().is_none_or(str::is_empty) {
            return Err(PlanError::missing(id_name, format!("`{kind_name}` needs it")));
        }
        Ok(role)
    }

    /// The pod's id.
    pub fn pod(&self) -> Option<&str> {
        match self {
            Self::Standalone => None,
            Self::Sandbox(id) | Self::Container(id) => Some(id),
        }
    }

    /// The annotation's word for it; empty for none.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Standalone => "",
            Self::Sandbox(_) => "sandbox",
            Self::Container(_) => "container",
        }
    }
}

/// What a pod needs that has no container of its own to hold it together: its network, by the pod's
/// own name, which then stands in its spec.
pub fn hold(id: &SystemId, spec: &mut Spec, names: &Names, host: &HostFacts) -> Vec<Step> {
    let mut steps = Vec::new();
    let network = spec.windows.as_mut().and_then(|windows| windows.network.as_mut());
    let Some(network) = network.filter(|network| !network.network_namespace.is_empty()) else {
        return steps;
    };
    let namespace = adopted(id, host, &network.network_namespace, &mut steps);
    network.network_namespace.clone_from(&namespace);
    if host.is_unix() && !names.is_empty() {
        steps.push(Step::SetNames { namespace, names: names.clone() });
    }
    steps
}

/// Copies a pod's annotations to one of its containers, over the container's own. Nothing is copied
/// when either has no annotations at all.
pub fn pass_through(pod: Option<&Annotations>, container: Option<&mut Annotations>, keys: &[&str]) {
    let (Some(pod), Some(container)) = (pod, container) else { return };
    for key in keys {
        if let Some(value) = pod.get(*key) {
            container.insert((*key).to_owned(), value.clone());
        }
    }
}

/// What a pod's VM can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodVm {
    /// Its guest runs host process containers.
    pub supports_host_process: bool,
}

/// Checks a container's spec against its pod's, and passes the pod's annotations on.
pub fn adjust_container(pod: &Spec, container: &mut Spec, vm: Option<PodVm>) -> Result<()> {
    let pod_on_host = pod.is_job_container() && !pod.is_isolated();
    let on_host = container.is_job_container() && !container.is_isolated();
    let in_vm = container.is_job_container() && container.is_isolated();
    if in_vm && vm.is_some_and(|vm| !vm.supports_host_process) {
        let why = "the pod's VM cannot run host process containers";
        return Err(PlanError::unsupported(names::HOST_PROCESS, why));
    }
    if pod_on_host || in_vm {
        if pod_on_host && !on_host {
            let rule = "a pod of host process containers has no other containers";
            return Err(PlanError::field(names::HOST_PROCESS, "", rule));
        }
        let keys = [names::HOST_PROCESS_INHERIT_USER, names::HOST_PROCESS_ROOT];
        pass_through(pod.annotations.as_ref(), container.annotations.as_mut(), &keys);
    }
    if !container.is_job_container() {
        drop_inherited_user(container);
    }
    Ok(())
}

/// An ordinary container never runs as the shim's own account.
fn drop_inherited_user(container: &mut Spec) {
    let Some(annotations) = container.annotations.as_mut() else { return };
    let value = annotations.get_mut(names::HOST_PROCESS_INHERIT_USER);
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        *value = "false".into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MARK: (&str, &str) = (names::HOST_PROCESS, "true");
    const USER: (&str, &str) = (names::HOST_PROCESS_INHERIT_USER, "true");
    const ROOT: (&str, &str) = (names::HOST_PROCESS_ROOT, r"C:\x");

    type All<'a> = &'a [(&'a str, &'a str)];

    fn spec(in_vm: bool, annotations: All<'_>) -> Spec {
        let windows = if in_vm { json!({ "hyperv": {} }) } else { json!({}) };
        let annotations: Value = annotations.iter().copied().collect();
        Spec::from_value(json!({ "windows": windows, "annotations": annotations })).unwrap()
    }

    /// hcsshim's `pod_test.go`: the host process adjustment table.
    #[test]
    fn a_pod_hands_on_what_its_host_process_containers_need_and_to_nobody_else() {
        // In a VM or not, the pod's annotations, the container's, and what those become.
        let rows: [(bool, All<'_>, All<'_>, All<'_>); 9] = [
            (true, &[], &[MARK], &[MARK]),
            (true, &[MARK], &[MARK], &[MARK]),
            (true, &[MARK], &[], &[]),
            (true, &[MARK, USER, ROOT], &[MARK], &[MARK, USER, ROOT]),
            (false, &[MARK, USER, ROOT], &[MARK], &[MARK, USER, ROOT]),
            (true, &[USER, ROOT], &[], &[]),
            (true, &[MARK, USER, ROOT], &[], &[]),
            (true, &[], &[USER], &[(names::HOST_PROCESS_INHERIT_USER, "false")]),
            (false, &[], &[USER], &[(names::HOST_PROCESS_INHERIT_USER, "false")]),
        ];
        for (in_vm, pod, container, expected) in rows {
            let vm = in_vm.then_some(PodVm { supports_host_process: true });
            let mut adjusted = spec(in_vm, container);
            adjust_container(&spec(in_vm, pod), &mut adjusted, vm).unwrap();
            assert_eq!(adjusted, spec(in_vm, expected), "{in_vm}, {pod:?}, {container:?}");
        }
    }

    /// The same table: "normal container in a *process* HPC pod".
    #[test]
    fn a_pod_of_host_processes_has_no_other_containers() {
        let refused = adjust_container(&spec(false, &[MARK]), &mut spec(false, &[]), None);
        let told = refused.unwrap_err().to_string();
        assert!(
            told.contains("no other containers") && told.contains(names::HOST_PROCESS),
            "{told}"
        );
    }
}
