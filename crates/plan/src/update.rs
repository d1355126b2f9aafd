//! What may change on a running container or VM, as requests.

use schema::container::{MappedDirectory, Processor};
use schema::modify::{ModifyRequest, RequestType, paths};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::host::{Found, HostFacts, Lookups, builds};
use crate::oci::{
    Affinity, Annotations, Cpu, LINUX_RESOURCES, Resources, WINDOWS_RESOURCES, shape,
};
use crate::step::ModifyVm;
use crate::vm::devices::{Devices, ShareOptions, added, guest_request};
use crate::vm::{GuestOs, HostingVm};
use crate::{limits, mounts};

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

fn add_mount(
    mount: &LiveMount,
    vm: Option<&HostingVm>,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Vec<Change>> {
    if host.build < builds::RS5 {
        return Err(PlanError::unsupported("mount", "it needs Windows Server 2019"));
    }
    if mount.host_path.is_empty() || mount.container_path.is_empty() {
        return Err(PlanError::missing("mount", "a mount has a source and a destination"));
    }
    if !mounts::is_live_mount_supported(&mount.host_path, &mount.mount_type) {
        let rule = "only directories and files of the host can be added to a running container";
        return Err(PlanError::field("mount", &mount.host_path, rule));
    }
    let failed = PlanError::lookup("mount.HostPath");
    let Some(vm) = vm else {
        let resolved = lookups.resolve(&mount.host_path).map_err(failed)?;
        return Ok(vec![mapping(mount, resolved)]);
    };
    let found = lookups.find(&mount.host_path).map_err(failed)?;
    let (share, guest_path) = share(mount, vm, found)?;
    let mut changes: Vec<_> = share.into_iter().map(|share| Change::Vm(Box::new(share))).collect();
    changes.push(mapping(mount, guest_path));
    Ok(changes)
}

/// Shares a live mount's source with the VM.
fn share(mount: &LiveMount, vm: &HostingVm, found: Found) -> Result<(Option<ModifyVm>, String)> {
    if !mount.read_only && vm.no_writable_file_shares {
        return Err(PlanError::Denied {
            field: "mount.HostPath".into(),
            what: format!("`{}` forbids writable shares", names::NO_WRITABLE_SHARES),
        });
    }
    let mut devices: Devices = vm.devices.clone();
    let no_direct_map = vm.devices_physically_backed || vm.vsmb_no_direct_map;
    let options = ShareOptions::new(mount.read_only, no_direct_map);
    let change = match found {
        Found::Directory => devices.shares.add_directory(&mount.host_path, options),
        Found::File(_) => Some(devices.shares.add_file(&mount.host_path, options)),
    };
    let guest = devices.shares.guest_path(&mount.host_path, mount.read_only).unwrap_or_default();
    Ok((change, guest))
}

fn mapping(mount: &LiveMount, host_path: String) -> Change {
    let mapped = MappedDirectory {
        host_path,
        host_path_type: String::new(),
        container_path: mount.container_path.clone(),
        read_only: mount.read_only,
    };
    Change::Container(ModifyRequest {
        resource_path: paths::MAPPED_DIRECTORIES.into(),
        request_type: Some(RequestType::Add),
        settings: json!(mapped),
        guest_request: None,
    })
}

/// Limits of a VM as its owner's resources name them.
struct VmLimits {
    memory: Option<u64>,
    processor: Option<(u64, u64)>,
}

fn vm_update(
    target: Target<'_>,
    update: &Update,
    annotations: &Annotations,
    host: &HostFacts,
) -> Result<Vec<Change>> {
    let limits = match update {
        Update::Windows(resources) => windows_vm(resources),
        Update::Linux(resources) => linux_vm(resources),
        Update::PolicyFragment(fragment) => {
            let settings = json!({ "Fragment": fragment });
            let guest = guest_request("SecurityPolicyFragment", RequestType::Add, settings);
            return Ok(vec![vm_change(None, Some(guest))]);
        }
        Update::Mount(_) => return Err(wrong_kind("limits, not mounts: it is a VM")),
    };
    let mut changes = Vec::new();
    if let Some(bytes) = limits.memory {
        let mb = limits::normalize_memory(bytes / 1024 / 1024);
        changes.push(vm_request("ComputeTopology/Memory/SizeInMB", json!(mb)));
        if target.os == GuestOs::Linux {
            let guest = guest_request("PodCgroupMemoryLimit", RequestType::Update, Value::Null);
            changes.push(vm_change(None, Some(guest)));
        }
    }
    if let Some((limit, weight)) = limits.processor {
        if host.build < builds::V20H2 {
            let why = "processors of a running VM need Windows version 20H2";
            return Err(PlanError::unsupported("resources.cpu", why));
        }
        let mut settings = Map::new();
        for (name, value) in [("Limit", limit), ("Weight", weight)] {
            if value != 0 {
                settings.insert(name.into(), json!(value));
            }
        }
        changes.push(vm_request("ComputeTopology/Processor/Limits", settings.into()));
    }
    changes.extend(cpu_group(annotations)?);
    Ok(changes)
}

fn cpu_group(annotations: &Annotations) -> Result<Option<Change>> {
    match annotations.get(names::CPU_GROUP).map(String::as_str) {
        None => Ok(None),
        Some("") => Err(PlanError::field(names::CPU_GROUP, "", "must name a processor group")),
        Some(id) => Ok(Some(vm_request("ComputeTopology/Processor/CpuGroup", json!({ "Id": id })))),
    }
}

fn windows_vm(resources: &Resources) -> VmLimits {
    VmLimits {
        memory: resources.memory.as_ref().and_then(|memory| memory.limit),
        processor: resources.cpu.as_ref().map(|cpu| {
            (cpu.maximum.unwrap_or_default().into(), cpu.shares.unwrap_or_default().into())
        }),
    }
}

/// A negative limit becomes a huge one, as the originals convert it.
fn linux_vm(resources: &Value) -> VmLimits {
    let number = |value: &Value| {
        value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned)).unwrap_or_default()
    };
    VmLimits {
        memory: resources["memory"].get("limit").map(number),
        processor: resources.get("cpu").map(|cpu| (number(&cpu["quota"]), number(&cpu["shares"]))),
    }
}

fn vm_request(path: &str, settings: Value) -> Change {
    let host = ModifyRequest {
        resource_path: format!("VirtualMachine/{path}"),
        request_type: None,
        settings,
        guest_request: None,
    };
    vm_change(Some(host), None)
}

fn vm_change(host: Option<ModifyRequest>, guest: Option<Value>) -> Change {
    Change::Vm(Box::new(added(host, guest, None)))
}
