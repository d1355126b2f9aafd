//! What runs in a compute system, and what it has used: every process of its job, whoever started it.

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{
    K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX,
};
use windows_sys::Win32::System::Threading::{
    GetProcessIoCounters, GetProcessTimes, IO_COUNTERS, OpenProcess, PROCESS_QUERY_INFORMATION,
    PROCESS_VM_READ, QueryFullProcessImageNameW,
};

use super::job::Job;

/// One process that runs.
pub(crate) struct Running {
    pub(crate) pid: u32,
    handle: OwnedHandle,
}

/// When it began and what it has used, in units of 100 ns.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) began: u64,
    pub(crate) user: u64,
    pub(crate) kernel: u64,
}

/// The console's own program, which Wine starts beside another and which may outlive it.
const CONSOLE: &str = "conhost.exe";

/// All that run in a job. One that has ended meanwhile is left out, and so is what only shows them.
pub(crate) fn of(job: &Job) -> Vec<Running> {
    let open = |pid: u32| {
        // SAFETY: no pointers.
        let handle = unsafe { OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, 0, pid) };
        // SAFETY: the handle is new and nobody else's.
        (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
    };
    let pids = job.pids().into_iter();
    let all = pids.filter_map(|pid| Some(Running { pid, handle: open(pid)? }));
    all.filter(|running| !running.image().eq_ignore_ascii_case(CONSOLE)).collect()
}

impl Running {
    /// The name of its program, as tools show it.
    pub(crate) fn image(&self) -> String {
        let mut name = [0_u16; 1024];
        let mut length = u32::try_from(name.len()).expect("a path");
        // SAFETY: the name has the room that it is said to have.
        let told = unsafe {
            QueryFullProcessImageNameW(
                self.handle.as_raw_handle(),
                0,
                name.as_mut_ptr(),
                &raw mut length,
            )
        };
        let length = if told == 0 { 0 } else { length as usize };
        let path = String::from_utf16_lossy(&name[..length]);
        path.rsplit('\\').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn times(&self) -> Times {
        let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
        // SAFETY: the handle is open and every time has a place.
        unsafe {
            GetProcessTimes(
                self.handle.as_raw_handle(),
                &raw mut began,
                &raw mut ended,
                &raw mut kernel,
                &raw mut user,
            );
        }
        let ticks =
            |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        Times { began: ticks(began), user: ticks(user), kernel: ticks(kernel) }
    }

    pub(crate) fn memory(&self) -> PROCESS_MEMORY_COUNTERS_EX {
        let mut told = PROCESS_MEMORY_COUNTERS_EX::default();
        let size = u32::try_from(size_of_val(&told)).expect("a small structure");
        let place = (&raw mut told).cast::<PROCESS_MEMORY_COUNTERS>();
        // SAFETY: the structure is as large as it is said to be; one that is not filled is zeros.
        unsafe { K32GetProcessMemoryInfo(self.handle.as_raw_handle(), place, size) };
        told
    }

    pub(crate) fn disk(&self) -> IO_COUNTERS {
        let mut told = IO_COUNTERS::default();
        // SAFETY: the counters have a place; those that are not filled are zeros.
        unsafe { GetProcessIoCounters(self.handle.as_raw_handle(), &raw mut told) };
        told
    }
}
