//! Host process containers without a VM: their limits and paths, as a job object takes them.
//!
//! `host_process` plans with them; the Windows engine makes the job.

use serde::Serialize;

use crate::annotations::{names, values};
use crate::error::Result;
use crate::host::HostFacts;
use crate::oci::{Affinity, Annotations, Spec};
use crate::{limits, paths};

/// Limits of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JobLimits {
    /// A rate in 1/10000 of all processors.
    #[serde(rename = "CPULimit")]
    pub cpu_limit: u32,
    /// A weight from 1 to 9.
    #[serde(rename = "CPUWeight")]
    pub cpu_weight: u32,
    /// Not used.
    #[serde(rename = "CPUAffinity")]
    pub cpu_affinity: u64,
    /// Which processors.
    #[serde(rename = "GroupAffinities")]
    pub group_affinities: Option<Vec<JobAffinity>>,
    /// In bytes.
    #[serde(rename = "MemoryLimitInBytes")]
    pub memory_limit_in_bytes: u64,
    /// Operations a second.
    #[serde(rename = "MaxIOPS")]
    pub max_iops: i64,
    /// Bytes a second.
    #[serde(rename = "MaxBandwidth")]
    pub max_bandwidth: i64,
}

/// Processors of one group, as the system takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobAffinity {
    /// A bit for each.
    pub mask: u64,
    /// The group; the system has 16 bits for it.
    pub group: u16,
}

/// Affinity as the system takes it; nothing for none.
#[expect(clippy::cast_possible_truncation, reason = "the originals drop the upper half")]
pub fn group_affinities(affinity: &[Affinity]) -> Option<Vec<JobAffinity>> {
    let convert = |entry: &Affinity| JobAffinity { mask: entry.mask, group: entry.group as u16 };
    (!affinity.is_empty()).then(|| affinity.iter().map(convert).collect())
}

/// The limits of a job container.
pub fn job_limits(spec: &Spec, host: &HostFacts) -> Result<JobLimits> {
    let processors = i32::try_from(host.processors).unwrap_or(i32::MAX);
    let cpu = limits::container_cpu(spec, processors, &mut Vec::new())?;
    limits::check_affinity(limits::affinity(spec), host)?;
    let memory = limits::memory_mb(spec, names::MEMORY, 0);
    Ok(JobLimits {
        cpu_limit: match cpu.count {
            0 => cpu.limit.cast_unsigned(),
            count => rate(count.cast_unsigned(), host.processors),
        },
        cpu_weight: if cpu.weight == 0 { 0 } else { weight(cpu.weight.cast_unsigned()) },
        cpu_affinity: 0,
        group_affinities: group_affinities(limits::affinity(spec)),
        memory_limit_in_bytes: memory.wrapping_mul(1024 * 1024),
        max_iops: limits::storage_iops(spec, names::STORAGE_IOPS, 0).into(),
        max_bandwidth: limits::storage_bps(spec, names::STORAGE_BANDWIDTH, 0).into(),
    })
}

/// A count of processors as a rate; at least 1. Wraps around as the original's 32 bits do.
pub fn rate(count: u32, processors: u32) -> u32 {
    count.wrapping_mul(10_000).checked_div(processors).unwrap_or(0).max(1)
}

/// A weight of 10000 as one of 9; it wraps around as the original's 32 bits do.
pub fn weight(weight: u32) -> u32 {
    (weight.wrapping_mul(8) / 10_000).wrapping_add(1)
}

/// A path without its drive.
pub fn strip_drive(path: &str) -> &str {
    match path.as_bytes() {
        [_, b':'] => ".",
        [_, b':', ..] => &path[2..],
        _ => path,
    }
}

/// Splits a command line into words; a quoted one keeps its quotes.
pub fn split_args(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return words;
        }
        let end = match rest.strip_prefix('"').map(|inner| (inner, inner.find('"'))) {
            Some((_, Some(at))) => at + 2,
            // A lone quote counts as a blank.
            Some((inner, None)) => {
                rest = inner;
                continue;
            }
            None => rest.find(|c| is_blank(c) || c == '"').unwrap_or(rest.len()),
        };
        words.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Whether the container runs as the shim's own account, and where it sees its root.
pub fn identity(annotations: &Annotations) -> (bool, &str) {
    let text = |name| values::text(annotations, name).unwrap_or_default();
    (text(names::HOST_PROCESS_INHERIT_USER) == "true", text(names::HOST_PROCESS_ROOT))
}

/// Where a mount is seen below the container's root.
pub fn below_root(root: &str, destination: &str) -> String {
    paths::windows_join(&[root, strip_drive(destination)])
}
