//! What a job has used, and what runs in it.

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use schema::properties::{MemoryStats, ProcessDetails, ProcessorStats, Statistics, StorageStats};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::JobObjects::{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectBasicAccountingInformation, JobObjectExtendedLimitInformation,
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
        create_timestamp: String::new(),
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

/// The processes of a job.
pub(super) fn processes(job: &Job) -> Result<Vec<ProcessDetails>, ErrorKind> {
    Ok(look(job)?.into_iter().map(|seen| seen.details).collect())
}

/// What a job has used since it was made `uptime` ago, in a tenth of microseconds.
pub(super) fn statistics(job: &Job, uptime: u64) -> Result<Statistics, ErrorKind> {
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
        uptime_100ns: uptime,
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
        storage: StorageStats {
            read_count_normalized: sum(&|one| one.io.ReadOperationCount),
            read_size_bytes: sum(&|one| one.io.ReadTransferCount),
            write_count_normalized: sum(&|one| one.io.WriteOperationCount),
            write_size_bytes: sum(&|one| one.io.WriteTransferCount),
        },
        ..Statistics::default()
    })
}
