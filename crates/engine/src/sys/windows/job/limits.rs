//! Processors and disks of a job. What this Windows cannot limit is refused, never passed over.

use std::io;

use schema::job::JobLimits;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_CPU_RATE_CONTROL_ENABLE, JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
    JOB_OBJECT_CPU_RATE_CONTROL_WEIGHT_BASED, JOB_OBJECT_IO_RATE_CONTROL_ENABLE,
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION, JOBOBJECT_IO_RATE_CONTROL_INFORMATION,
    JobObjectCpuRateControlInformation, JobObjectGroupInformationEx,
};
use windows_sys::Win32::System::SystemInformation::GROUP_AFFINITY;

use super::super::library::{Library, function};
use super::object::Job;
use crate::error::ErrorKind;

static KERNEL: Library = Library::new("kernel32.dll");

/// `SetIoRateControlInformationJobObject`: not zero when it is done.
type SetIoRate =
    unsafe extern "system" fn(HANDLE, *const JOBOBJECT_IO_RATE_CONTROL_INFORMATION) -> u32;

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
    disk(job, limits)
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

/// Of all volumes. Wine has no call for it, and Microsoft says of its own that Windows does not support
/// it since version 1607: whether it does is told by the call.
fn disk(job: &Job, limits: &JobLimits) -> Result<(), ErrorKind> {
    let asked = [("Iops", limits.iops), ("Bandwidth", limits.bandwidth)];
    let Some((name, value)) = asked.into_iter().find(|(_, value)| *value != 0) else {
        return Ok(());
    };
    let field = format!("HostProcess.Limits.{name}");
    if limits.iops < 0 || limits.bandwidth < 0 {
        let rule = "neither limit of the disk is below zero".into();
        return Err(ErrorKind::InvalidDocument { field, value: value.to_string(), rule });
    }
    let Err(why) = io_rate(job, &disk_control(limits)) else { return Ok(()) };
    Err(ErrorKind::Unsupported { what: format!("`{field}`, a limit of a job's disk,"), why })
}

fn disk_control(limits: &JobLimits) -> JOBOBJECT_IO_RATE_CONTROL_INFORMATION {
    JOBOBJECT_IO_RATE_CONTROL_INFORMATION {
        MaxIops: limits.iops,
        MaxBandwidth: limits.bandwidth,
        ControlFlags: JOB_OBJECT_IO_RATE_CONTROL_ENABLE.cast_unsigned(),
        ..JOBOBJECT_IO_RATE_CONTROL_INFORMATION::default()
    }
}

fn set_io_rate() -> Result<SetIoRate, ErrorKind> {
    Ok(function!(KERNEL, c"SetIoRateControlInformationJobObject" as SetIoRate))
}

/// Why it could not be set, in words.
fn io_rate(job: &Job, control: &JOBOBJECT_IO_RATE_CONTROL_INFORMATION) -> Result<(), String> {
    let Ok(set) = set_io_rate() else {
        return Err("this Windows has no call for it".to_owned());
    };
    // SAFETY: the handle is open, and the structure is whole and names no volume.
    if unsafe { set(job.raw(), control) } != 0 {
        return Ok(());
    }
    Err(format!("this Windows refuses it: {}", io::Error::last_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_disk_is_of_all_volumes_and_as_it_was_asked() {
        let limits = JobLimits { iops: 5, bandwidth: 1 << 20, ..JobLimits::default() };
        let control = disk_control(&limits);
        assert_eq!((control.MaxIops, control.MaxBandwidth, control.ControlFlags), (5, 1 << 20, 1));
        assert!(control.VolumeName.is_null() && control.ReservationIops == 0);
        assert_eq!(size_of_val(&control), 40);
    }
}
