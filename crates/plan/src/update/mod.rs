//! What may change on a running container or VM, as requests.

mod mount;
mod vm;

use schema::container::Processor;
use schema::modify::{ModifyRequest, RequestType, paths};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups, builds};
use crate::limits;
use crate::oci::{
    Affinity, Annotations, Cpu, LINUX_RESOURCES, Resources, WINDOWS_RESOURCES, shape,
};
use crate::step::ModifyVm;
use crate::vm::devices::guest_request;
use crate::vm::{GuestOs, HostingVm};
use mount::add_mount;
use vm::vm_update;

/// What is to change.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Limits of a Windows container or VM.
    Windows(Resources),
    /// Limits of a Linux container or VM, in the original's shape.
    Linux(Value),
    /// A mount to add.
    Mount(LiveMount),
    /// A piece of security policy to add.
    PolicyFragment(String),
}

impl Update {
    /// Limits of a Windows container, from JSON.
    pub fn windows(value: Value) -> Result<Self> {
        let value = conform(value, &WINDOWS_RESOURCES)?;
        serde_json::from_value(value)
            .map(Self::Windows)
            .map_err(|error| PlanError::field("resources", "", error.to_string()))
    }

    /// Limits of a Linux container, from JSON.
    pub fn linux(value: Value) -> Result<Self> {
        conform(value, &LINUX_RESOURCES).map(Self::Linux)
    }
}

fn conform(value: Value, shape: &shape::Shape) -> Result<Value> {
    shape::conform(value, shape)
        .map(|value| value.unwrap_or_else(|| json!({})))
        .map_err(|misfit| PlanError::field(misfit.at, misfit.found, misfit.rule))
}

/// A mount to add to a running container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LiveMount {
    /// On the host.
    pub host_path: String,
    /// In the container.
    pub container_path: String,
    /// No writing.
    pub read_only: bool,
    /// What kind; only plain ones can be added.
    #[serde(rename = "Type")]
    pub mount_type: String,
}

/// What is to be changed.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// What runs in it.
    pub os: GuestOs,
    /// The VM that it runs in.
    pub vm: Option<&'a HostingVm>,
    /// The task owns the VM: then the VM is changed, never a container.
    pub owns_vm: bool,
}

/// One change, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// To the container's compute system.
    Container(ModifyRequest),
    /// To the container's guest.
    Guest(Value),
    /// To the VM.
    Vm(Box<ModifyVm>),
    /// Bind the container to processors.
    Affinity(Vec<Affinity>),
}

/// Decides the changes of an update. Nothing is half decided: one refusal refuses all of it.
pub fn update(
    target: Target<'_>,
    update: &Update,
    annotations: &Annotations,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Vec<Change>> {
    if target.owns_vm {
        return vm_update(target, update, annotations, host);
    }
    match (target.os, update) {
        (GuestOs::Windows, Update::Windows(resources)) => {
            windows_limits(resources, target.vm, host)
        }
        (GuestOs::Windows, Update::Mount(mount)) => add_mount(mount, target.vm, host, lookups),
        (GuestOs::Linux, Update::Linux(resources)) => {
            let settings = json!({ "Windows": {}, "Linux": resources });
            let request = guest_request("ContainerConstraints", RequestType::Update, settings);
            Ok(vec![Change::Guest(request)])
        }
        (GuestOs::Windows, Update::Linux(_) | Update::PolicyFragment(_)) => {
            Err(wrong_kind("Windows resources or a mount"))
        }
        (GuestOs::Linux, Update::Windows(_) | Update::Mount(_) | Update::PolicyFragment(_)) => {
            Err(wrong_kind("Linux resources"))
        }
    }
}

fn wrong_kind(wanted: &str) -> PlanError {
    PlanError::field("resources", "", format!("this container takes {wanted}"))
}

fn windows_limits(
    resources: &Resources,
    vm: Option<&HostingVm>,
    host: &HostFacts,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    if let Some(limit) = resources.memory.as_ref().and_then(|memory| memory.limit) {
        let mb = limits::normalize_memory(limit / 1024 / 1024);
        changes.push(Change::Container(container_request(paths::MEMORY, json!(mb))));
    }
    if let Some(cpu) = &resources.cpu {
        processor_limits(cpu, vm, host, &mut changes)?;
    }
    Ok(changes)
}

fn container_request(path: &str, settings: Value) -> ModifyRequest {
    ModifyRequest {
        resource_path: path.into(),
        request_type: Some(RequestType::Update),
        settings,
        guest_request: None,
    }
}

fn processor_limits(
    cpu: &Cpu,
    vm: Option<&HostingVm>,
    host: &HostFacts,
    changes: &mut Vec<Change>,
) -> Result<()> {
    const FIELD: &str = "resources.cpu";
    if !is_valid_cpu(cpu) {
        let rule = "give exactly one of count, shares and maximum, or affinity alone";
        return Err(PlanError::field(FIELD, format!("{cpu:?}"), rule));
    }
    if host.build < builds::V20H2 {
        let why = "processors of a running container need Windows version 20H2";
        return Err(PlanError::unsupported(FIELD, why));
    }
    limits::check_affinity(&cpu.affinity, host)?;
    if !cpu.affinity.is_empty() && vm.is_some() {
        let why = "a container in a VM cannot be bound to the VM's processors";
        return Err(PlanError::unsupported("resources.cpu.affinity", why));
    }
    if given(cpu) > 0 {
        let settings = json!(processor(cpu, vm, host));
        changes.push(Change::Container(container_request(paths::PROCESSOR, settings)));
    }
    if !cpu.affinity.is_empty() {
        changes.push(Change::Affinity(cpu.affinity.clone()));
    }
    Ok(())
}

/// Drops the upper half of a count, as the originals do.
#[expect(clippy::cast_possible_truncation, reason = "documents hold what the originals send")]
fn processor(cpu: &Cpu, vm: Option<&HostingVm>, host: &HostFacts) -> Processor {
    let processors = i32::try_from(host.processors).unwrap_or(i32::MAX);
    let processors = vm.map_or(processors, |vm| vm.processors);
    Processor {
        count: limits::normalize_count(cpu.count.unwrap_or_default() as i32, processors),
        maximum: cpu.maximum.unwrap_or_default().into(),
        weight: cpu.shares.unwrap_or_default().into(),
    }
}

fn given(cpu: &Cpu) -> usize {
    [cpu.count.is_some(), cpu.shares.is_some(), cpu.maximum.is_some()]
        .into_iter()
        .filter(|given| *given)
        .count()
}

/// Whether an update of processors is one that can be made.
pub fn is_valid_cpu(cpu: &Cpu) -> bool {
    match given(cpu) {
        0 => !cpu.affinity.is_empty(),
        1 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(count: Option<u64>, shares: Option<u16>, maximum: Option<u16>, bound: bool) -> Cpu {
        let affinity = if bound { vec![Affinity { mask: 1, group: 0 }] } else { Vec::new() };
        Cpu { count, shares, maximum, affinity }
    }

    /// hcsshim's `task_hcs_test.go`: "CPU update validity".
    #[test]
    fn an_update_of_processors_is_one_limit_or_the_processors_alone() {
        let (count, shares, maximum) = (Some(1), Some(500), Some(5000));
        for (cpu, expected) in [
            (cpu(count, None, None, false), true),
            (cpu(None, shares, None, false), true),
            (cpu(None, None, maximum, false), true),
            (cpu(count, shares, None, false), false),
            (cpu(count, None, maximum, false), false),
            (cpu(None, shares, maximum, false), false),
            (cpu(None, None, None, true), true),
            (cpu(count, None, None, true), true),
            (cpu(None, None, None, false), false),
        ] {
            assert_eq!(is_valid_cpu(&cpu), expected, "{cpu:?}");
        }
    }
}
