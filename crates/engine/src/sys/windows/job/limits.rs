//! Processors and disks of a job. What this Windows cannot limit is refused, never passed over.

use schema::job::JobLimits;
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_CPU_RATE_CONTROL_ENABLE, JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
    JOB_OBJECT_CPU_RATE_CONTROL_WEIGHT_BASED, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
    JobObjectCpuRateControlInformation, JobObjectGroupInformationEx,
};
use windows_sys::Win32::System::SystemInformation::GROUP_AFFINITY;

use super::object::Job;
use crate::error::ErrorKind;

/// Sets every limit that is asked for but that of memory.
pub(super) fn apply(job: &Job, limits: &JobLimits) -> Result<(), ErrorKind> {
    if limits.cpu_rate > 0 && limits.cpu_weight > 0 {
        return Err(ErrorKind::InvalidDocument {
            field: "HostProcess.Limits.CpuWeight".into(),
            value: limits.cpu_weight.to_string(),
            rule: "a job has a rate or a weight of its processors, and not both".into(),
        });
    }
    if limits.cpu_rate > 0 {
        rate(job, limits.cpu_rate)?;
    }
    if limits.cpu_weight > 0 {
        weight(job, limits.cpu_weight)?;
    }
    if !limits.affinities.is_empty() {
        affinity(job, limits)?;
    }
    if limits.iops > 0 || limits.bandwidth > 0 {
        return Err(ErrorKind::Unsupported {
            what: "a limit of a host process container's disk".into(),
            why: "Windows has no call for it that is documented: limit processors and memory"
                .into(),
        });
    }
    Ok(())
}

fn rate(job: &Job, rate: u32) -> Result<(), ErrorKind> {
    if rate > 10_000 {
        return Err(ErrorKind::InvalidDocument {
            field: "HostProcess.Limits.CpuRate".into(),
            value: rate.to_string(),
            rule: "from 1 to 10000, of all processors".into(),
        });
    }
    let flags = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
    processor(job, flags, rate)
}

fn weight(job: &Job, weight: u32) -> Result<(), ErrorKind> {
    if weight > 9 {
        return Err(ErrorKind::InvalidDocument {
            field: "HostProcess.Limits.CpuWeight".into(),
            value: weight.to_string(),
            rule: "from 1 to 9".into(),
        });
    }
    let flags = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_WEIGHT_BASED;
    processor(job, flags, weight)
}

fn processor(job: &Job, flags: u32, value: u32) -> Result<(), ErrorKind> {
    let mut control = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
        ControlFlags: flags,
        ..JOBOBJECT_CPU_RATE_CONTROL_INFORMATION::default()
    };
    // Rate and weight share their place.
    control.Anonymous.CpuRate = value;
    let set = job.set(JobObjectCpuRateControlInformation, &control);
    set.map_err(|error| ErrorKind::io("limit a job's processors", error))
}

/// Those of more than one group need Windows Server 2022.
fn affinity(job: &Job, limits: &JobLimits) -> Result<(), ErrorKind> {
    let groups = limits.affinities.iter().map(|one| GROUP_AFFINITY {
        Mask: usize::try_from(one.mask).unwrap_or(usize::MAX),
        Group: one.group,
        Reserved: [0; 3],
    });
    let groups = groups.collect::<Vec<_>>();
    let set = job.set_all(JobObjectGroupInformationEx, &groups);
    set.map_err(|error| ErrorKind::io("choose a job's processors", error))
}
