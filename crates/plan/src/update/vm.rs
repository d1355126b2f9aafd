//! An update of a VM by the resources of the task that owns it.

use schema::modify::{ModifyRequest, RequestType};
use serde_json::{Map, Value, json};

use super::{Change, Target, Update, wrong_kind};
use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, builds};
use crate::limits;
use crate::oci::{Annotations, Resources};
use crate::vm::GuestOs;
use crate::vm::devices::{added, guest_request};

/// Limits of a VM as its owner's resources name them.
struct VmLimits {
    memory: Option<u64>,
    processor: Option<(u64, u64)>,
}

pub(super) fn vm_update(
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
