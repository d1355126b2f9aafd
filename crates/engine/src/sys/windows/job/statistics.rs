//! What a job has used, and what runs in it.

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use jiff::Timestamp;
use schema::properties::{MemoryStats, ProcessDetails, ProcessorStats, Statistics, StorageStats};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::JobObjects::{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicAccountingInformation,
    JobObjectBasicAndIoAccountingInformation, JobObjectExtendedLimitInformation,
};
use windows_sys::Win32::System::ProcessStatus::{
    K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX,
};
use windows_sys::Win32::System::Threading::{
    GetProcessIoCounters, GetProcessTimes, IO_COUNTERS, OpenProcess, PROCESS_NAME_WIN32,
    PROCESS_QUERY_INFORMATION, PROCESS_VM_READ, QueryFullProcessImageNameW,
};

use super::object::Job;
use crate::error::ErrorKind;

/// One of a job's processes, with what is asked of it at once.
struct Seen {
    details: ProcessDetails,
    io: IO_COUNTERS,
}

/// Processes that end meanwhile are passed over.
fn look(job: &Job) -> Result<Vec<Seen>, ErrorKind> {
    Ok(job.pids()?.into_iter().filter_map(|pid| look_at(job, pid)).collect())
}

fn look_at(job: &Job, pid: u32) -> Option<Seen> {
    // SAFETY: no pointers.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, 0, pid) };
    if handle.is_null() {
        return None;
    }
    // SAFETY: the handle is new and nobody else's.
    let process = unsafe { OwnedHandle::from_raw_handle(handle) };
    if !job.holds(&process) {
        return None;
    }
    let raw = process.as_raw_handle();
    let (mut memory, mut io) = (PROCESS_MEMORY_COUNTERS_EX::default(), IO_COUNTERS::default());
    let (mut created, mut kernel, mut user) =
        (FILETIME::default(), FILETIME::default(), FILETIME::default());
    let (mut ended, mut name, mut length) = (FILETIME::default(), [0_u16; 1024], 1024);
    memory.cb = u32::try_from(size_of::<PROCESS_MEMORY_COUNTERS_EX>()).expect("small");
    // SAFETY: the handle is open, and every answer has the place that it is said to have.
    unsafe {
        let counters = (&raw mut memory).cast::<PROCESS_MEMORY_COUNTERS>();
        K32GetProcessMemoryInfo(raw, counters, memory.cb);
        GetProcessIoCounters(raw, &raw mut io);
        GetProcessTimes(raw, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user);
        if QueryFullProcessImageNameW(raw, PROCESS_NAME_WIN32, name.as_mut_ptr(), &raw mut length)
            == 0
        {
            length = 0;
        }
    }
    let name = String::from_utf16_lossy(&name[..length as usize]);
    let working_set = memory.WorkingSetSize as u64;
    let private = (memory.PrivateUsage as u64).min(working_set);
    let details = ProcessDetails {
        process_id: pid,
        image_name: name.rsplit('\\').next().unwrap_or_default().to_owned(),
        create_timestamp: instant(created).map(|at| at.to_string()).unwrap_or_default(),
        user_time_100ns: ticks(user),
        kernel_time_100ns: ticks(kernel),
        memory_commit_bytes: memory.PagefileUsage as u64,
        memory_working_set_private_bytes: private,
        memory_working_set_shared_bytes: working_set - private,
    };
    Some(Seen { details, io })
}

fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

/// Windows counts from 1601, in 100 nanoseconds; nothing of a time that was not told.
fn instant(time: FILETIME) -> Option<Timestamp> {
    const SECOND: u64 = 10_000_000;
    const FROM_1601_TO_1970: i64 = 11_644_473_600;
    let ticks = Some(ticks(time)).filter(|ticks| *ticks > 0)?;
    let seconds = i64::try_from(ticks / SECOND).ok()? - FROM_1601_TO_1970;
    let nanoseconds = i32::try_from(ticks % SECOND * 100).ok()?;
    Timestamp::new(seconds, nanoseconds).ok()
}

/// The processes of a job.
pub(super) fn processes(job: &Job) -> Result<Vec<ProcessDetails>, ErrorKind> {
    Ok(look(job)?.into_iter().map(|seen| seen.details).collect())
}

/// What a job has used, which was started at `since`.
pub(super) fn statistics(job: &Job, since: Option<Timestamp>) -> Result<Statistics, ErrorKind> {
    let now = Timestamp::now();
    let uptime = since.map_or(0, |since| now.duration_since(since).as_nanos() / 100);
    let asking = |error| ErrorKind::io("ask a job what it has used", error);
    let used: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION =
        job.query(JobObjectBasicAccountingInformation).map_err(asking)?;
    let peak: JOBOBJECT_EXTENDED_LIMIT_INFORMATION =
        job.query(JobObjectExtendedLimitInformation).map_err(asking)?;
    let seen = look(job)?;
    let sum = |count: &dyn Fn(&Seen) -> u64| seen.iter().map(count).sum::<u64>();
    // A job counts the time of what has ended too; one that does not count is asked by process.
    let in_user = used.TotalUserTime.cast_unsigned().max(sum(&|one| one.details.user_time_100ns));
    let kernel =
        used.TotalKernelTime.cast_unsigned().max(sum(&|one| one.details.kernel_time_100ns));
    let commit = sum(&|one| one.details.memory_commit_bytes);
    Ok(Statistics {
        timestamp: now.to_string(),
        container_start_time: since.map(|since| since.to_string()).unwrap_or_default(),
        // A clock that was set back makes it no less than nothing.
        uptime_100ns: u64::try_from(uptime).unwrap_or(0),
        processor: ProcessorStats {
            total_runtime_100ns: in_user + kernel,
            runtime_user_100ns: in_user,
            runtime_kernel_100ns: kernel,
        },
        memory: MemoryStats {
            memory_usage_commit_bytes: commit,
            memory_usage_commit_peak_bytes: commit.max(peak.PeakJobMemoryUsed as u64),
            memory_usage_private_working_set_bytes: sum(&|one| {
                one.details.memory_working_set_private_bytes
            }),
        },
        storage: storage(job, &seen),
        ..Statistics::default()
    })
}

/// What has ended counts, too, but on Wine, whose jobs do not count this.
fn storage(job: &Job, seen: &[Seen]) -> StorageStats {
    let counted = job.query(JobObjectBasicAndIoAccountingInformation);
    let counted = counted.map(|both: JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION| both.IoInfo);
    let counted = counted.unwrap_or_default();
    let most = |count: fn(&IO_COUNTERS) -> u64| {
        count(&counted).max(seen.iter().map(|one| count(&one.io)).sum())
    };
    StorageStats {
        read_count_normalized: most(|io| io.ReadOperationCount),
        read_size_bytes: most(|io| io.ReadTransferCount),
        write_count_normalized: most(|io| io.WriteOperationCount),
        write_size_bytes: most(|io| io.WriteTransferCount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_windows_is_one_since_1970() {
        // The first second of 2000, as Windows counts it.
        let ticks = 125_911_584_000_000_000_u64;
        let time = |ticks: u64| FILETIME {
            dwLowDateTime: u32::try_from(ticks & 0xffff_ffff).unwrap(),
            dwHighDateTime: u32::try_from(ticks >> 32).unwrap(),
        };
        assert_eq!(instant(time(ticks)).unwrap().to_string(), "2000-01-01T00:00:00Z");
        assert_eq!(instant(time(ticks + 5)).unwrap().to_string(), "2000-01-01T00:00:00.0000005Z");
        assert_eq!(instant(time(0)), None);
    }
}
