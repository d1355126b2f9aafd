//! Processor, memory and storage limits of a container.
//!
//! An annotation that reads as something other than zero wins over the spec's own value. The
//! originals narrow a spec's 64 bits to the document's 32 by dropping the upper half; a document
//! must not differ from theirs, so the same is done here.

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, builds};
use crate::oci::{Affinity, Annotations, Cpu, Resources, Spec, Storage};

/// Processor limits as a document has them; at most one is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuLimits {
    /// Processors.
    pub count: i32,
    /// 1/10000 of all processors.
    pub limit: i32,
    /// Weight.
    pub weight: i32,
}

/// The largest share of all processors.
const WHOLE: i32 = 10_000;

fn resources(spec: &Spec) -> Option<&Resources> {
    spec.windows.as_ref()?.resources.as_ref()
}

fn cpu(spec: &Spec) -> Option<&Cpu> {
    resources(spec)?.cpu.as_ref()
}

fn storage(spec: &Spec) -> Option<&Storage> {
    resources(spec)?.storage.as_ref()
}

fn annotations(spec: &Spec) -> &Annotations {
    static NONE: Annotations = Annotations::new();
    spec.annotations.as_ref().unwrap_or(&NONE)
}

/// Drops the upper half, as the originals do.
#[expect(clippy::cast_possible_truncation, reason = "documents hold what the originals send")]
fn narrow(value: u64) -> i32 {
    value as i32
}

/// An annotation that is not zero, else the spec's value if there is one above zero, else `default`.
fn choose<T: PartialOrd + Default, U>(
    annotation: Option<U>,
    given: Option<T>,
    narrow: impl FnOnce(T) -> U,
    default: U,
) -> U
where
    U: PartialEq + Default,
{
    if let Some(value) = annotation.filter(|value| *value != U::default()) {
        return value;
    }
    given.filter(|value| *value > T::default()).map_or(default, narrow)
}

/// Memory in MB, by the annotation `name` or by the spec.
pub fn memory_mb(spec: &Spec, name: &str, default: u64) -> u64 {
    let limit = resources(spec).and_then(|all| all.memory.as_ref()).and_then(|m| m.limit);
    choose(values::unsigned(annotations(spec), name), limit, |bytes| bytes / 1024 / 1024, default)
}

/// Processors, by the annotation `name` or by the spec.
pub fn cpu_count(spec: &Spec, name: &str, default: i32) -> i32 {
    let given = cpu(spec).and_then(|cpu| cpu.count);
    choose(values::int32(annotations(spec), name), given, narrow, default)
}

/// The share of all processors, by the annotation `name` or by the spec.
pub fn cpu_limit(spec: &Spec, name: &str, default: i32) -> i32 {
    let given = cpu(spec).and_then(|cpu| cpu.maximum);
    choose(values::int32(annotations(spec), name), given, i32::from, default)
}

/// The processor weight, by the annotation `name` or by the spec.
pub fn cpu_weight(spec: &Spec, name: &str, default: i32) -> i32 {
    let given = cpu(spec).and_then(|cpu| cpu.shares);
    choose(values::int32(annotations(spec), name), given, i32::from, default)
}

/// Bytes a second, by the annotation `name` or by the spec.
pub fn storage_bps(spec: &Spec, name: &str, default: i32) -> i32 {
    let given = storage(spec).and_then(|storage| storage.bps);
    choose(values::int32(annotations(spec), name), given, narrow, default)
}

/// Operations a second, by the annotation `name` or by the spec.
pub fn storage_iops(spec: &Spec, name: &str, default: i32) -> i32 {
    let given = storage(spec).and_then(|storage| storage.iops);
    choose(values::int32(annotations(spec), name), given, narrow, default)
}

/// The most that a scratch may hold.
pub fn scratch_size(spec: &Spec) -> Option<u64> {
    storage(spec)?.sandbox_size.filter(|size| *size > 0)
}

/// Processor limits of a container on a system of `processors`; a larger count is cut down.
pub fn container_cpu(spec: &Spec, processors: i32, remarks: &mut Vec<String>) -> Result<CpuLimits> {
    let limits = CpuLimits {
        count: cpu_count(spec, names::PROCESSOR_COUNT, 0),
        limit: cpu_limit(spec, names::PROCESSOR_LIMIT, 0),
        weight: cpu_weight(spec, names::PROCESSOR_WEIGHT, 0),
    };
    let CpuLimits { count, limit, weight } = limits;
    if [count, limit, weight].into_iter().filter(|value| *value > 0).count() > 1 {
        return Err(PlanError::Conflict {
            fields: format!("processor count `{count}`, limit `{limit}` and weight `{weight}`"),
            rule: "at most one of windows.resources.cpu's count, maximum and shares".into(),
        });
    }
    let normal = normalize_count(count, processors);
    if normal != count {
        remarks.push(format!("processor count {count} is cut to the {processors} there are"));
    }
    Ok(CpuLimits { count: normal, ..limits })
}

/// A count that is no more than `processors`.
pub fn normalize_count(count: i32, processors: i32) -> i32 {
    count.min(processors)
}

/// A memory size rounded up to an even number of MB.
pub fn normalize_memory(mb: u64) -> u64 {
    mb.wrapping_add(mb % 2)
}

/// A limit of the host's processors as one of a VM's. Kubernetes computes limits from the host.
pub fn scale_limit(limit: i32, host: i32, vm: i32) -> i32 {
    if vm == 0 {
        return limit;
    }
    limit.wrapping_mul(host).wrapping_div(vm).clamp(1, WHOLE)
}

/// Checks which processors a container may use.
pub fn check_affinity(affinity: &[Affinity], host: &HostFacts) -> Result<()> {
    const FIELD: &str = "windows.resources.cpu.affinity";
    if let Some(at) = affinity.iter().position(|entry| entry.mask == 0) {
        return Err(PlanError::field(FIELD, "0", format!("entry {at} has an empty mask")));
    }
    let spans = affinity.len() > 1 || affinity.first().is_some_and(|entry| entry.group != 0);
    if spans && host.build < builds::LTSC2022 {
        let why =
            "several processor groups, or one that is not the first, need Windows Server 2022";
        return Err(PlanError::unsupported(FIELD, why));
    }
    if !affinity.is_empty() && host.is_unix() {
        let why = "the Linux engine cannot bind a container to processors yet; \
                   limit their number with windows.resources.cpu.count";
        return Err(PlanError::unsupported(FIELD, why));
    }
    Ok(())
}

/// The affinity that a spec asks for.
pub fn affinity(spec: &Spec) -> &[Affinity] {
    cpu(spec).map_or(&[], |cpu| &cpu.affinity)
}

/// Default processors of a VM on a host of so many.
pub fn default_vm_processors(host: i32) -> i32 {
    if host == 1 { 1 } else { 2 }
}
