//! The processes of the session.
//!
//! Left out are this program, the console hosts and desktop that Wine starts by itself, and Wine's
//! own services: what a user would not find in a Windows container either, or could not explain.

use schema::guest::Failure;
use schema::properties::ProcessDetails;
use windows_sys::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SystemProcessInformation,
};
use windows_sys::Win32::Foundation::{FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcessId, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
};
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_PROCESS_INFORMATION;

use super::error;
use super::handle::Handle;
use crate::timestamp::rfc3339;

/// Programs that Wine starts by itself, wherever they stand in the tree.
const MACHINERY: &[&str] =
    &["transom-guest.exe", "wineboot.exe", "services.exe", "conhost.exe", "explorer.exe"];
/// Programs that are Wine's own when the service manager started them.
const SERVICES: &[&str] =
    &["winedevice.exe", "plugplay.exe", "svchost.exe", "rpcss.exe", "spoolsv.exe", "tabtip.exe"];

const STATUS_INFO_LENGTH_MISMATCH: i32 = 0xC000_0004_u32.cast_signed();

/// One process as the system tells it.
struct Entry {
    parent: u32,
    details: ProcessDetails,
}

/// The processes that belong to the container's user.
pub(super) fn list() -> Result<Vec<ProcessDetails>, Failure> {
    let entries = entries()?;
    let manager = entries.iter().find(|e| e.is_named(&["services.exe"])).map(Entry::pid);
    // SAFETY: reads a number.
    let own = unsafe { GetCurrentProcessId() };
    Ok(entries
        .iter()
        .filter(|e| e.pid() != own && !e.is_named(MACHINERY))
        .filter(|e| !(e.is_named(SERVICES) && Some(e.parent) == manager))
        .map(|e| e.details.clone())
        .collect())
}

/// Their numbers.
pub(super) fn pids() -> Result<Vec<u32>, Failure> {
    Ok(list()?.into_iter().map(|process| process.process_id).collect())
}

impl Entry {
    fn pid(&self) -> u32 {
        self.details.process_id
    }

    fn is_named(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.details.image_name.eq_ignore_ascii_case(name))
    }
}

fn entries() -> Result<Vec<Entry>, Failure> {
    let buffer = snapshot()?;
    let mut entries = Vec::new();
    let mut offset = 0;
    loop {
        // SAFETY: the system filled the buffer with records, each telling where the next begins;
        // a record is aligned to 8 bytes and may be read unaligned anyway.
        let record = unsafe {
            buffer.as_ptr().byte_add(offset).cast::<SYSTEM_PROCESS_INFORMATION>().read_unaligned()
        };
        entries.extend(entry(&record));
        if record.NextEntryOffset == 0 {
            return Ok(entries);
        }
        offset += record.NextEntryOffset as usize;
    }
}

/// The system's records, in a buffer that is large enough for them.
fn snapshot() -> Result<Vec<u64>, Failure> {
    let mut buffer = vec![0u64; 8 << 10];
    loop {
        let size = u32::try_from(size_of_val(buffer.as_slice())).unwrap_or(u32::MAX);
        let mut needed = 0;
        // SAFETY: the buffer and its length belong together.
        let status = unsafe {
            NtQuerySystemInformation(
                SystemProcessInformation,
                buffer.as_mut_ptr().cast(),
                size,
                &raw mut needed,
            )
        };
        match status {
            0 => return Ok(buffer),
            STATUS_INFO_LENGTH_MISMATCH => buffer.resize(buffer.len() * 2, 0),
            other => return Err(error::from_status(other, "listing the processes")),
        }
    }
}

/// `None` for the record of the idle process.
fn entry(record: &SYSTEM_PROCESS_INFORMATION) -> Option<Entry> {
    let process_id = number(record.UniqueProcessId)?;
    let times = times(process_id).unwrap_or_default();
    // Wine tells what a process has committed for itself, and what of everything is in memory.
    let private = record.WorkingSetSize.min(record.PagefileUsage);
    Some(Entry {
        parent: number(record.Reserved2).unwrap_or(0),
        details: ProcessDetails {
            process_id,
            image_name: image_name(record),
            create_timestamp: rfc3339(times.created),
            user_time_100ns: times.user,
            kernel_time_100ns: times.kernel,
            memory_commit_bytes: record.PagefileUsage as u64,
            memory_working_set_private_bytes: private as u64,
            memory_working_set_shared_bytes: (record.WorkingSetSize - private) as u64,
        },
    })
}

fn number(id: HANDLE) -> Option<u32> {
    u32::try_from(id.addr()).ok().filter(|&id| id != 0)
}

fn image_name(record: &SYSTEM_PROCESS_INFORMATION) -> String {
    let name = &record.ImageName;
    if name.Buffer.is_null() {
        return String::new();
    }
    // SAFETY: the text lies in the snapshot, which the caller still holds.
    let units = unsafe { std::slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2) };
    String::from_utf16_lossy(units)
}

#[derive(Default)]
struct Times {
    created: u64,
    user: u64,
    kernel: u64,
}

fn times(pid: u32) -> Option<Times> {
    // SAFETY: opens by number.
    let process = Handle::own(unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) })?;
    let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: four places for four times.
    let ok = unsafe { GetProcessTimes(process.raw(), created, exited, kernel, user) };
    (ok != 0).then(|| Times {
        created: steps(*created),
        user: steps(*user),
        kernel: steps(*kernel),
    })
}

fn steps(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}
