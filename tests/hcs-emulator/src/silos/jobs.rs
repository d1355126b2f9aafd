//! What is asked of a job object.

#![expect(unsafe_code, reason = "jobs are handles")]

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JobObjectBasicAccountingInformation, OpenJobObjectW,
    QueryInformationJobObject,
};

use crate::client::text::wide;

/// `JOB_OBJECT_QUERY`.
const QUERY: u32 = 4;
/// `ObjectNameInformation`.
const NAME: u32 = 1;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtQueryObject(
        object: HANDLE,
        class: u32,
        about: *mut u64,
        size: u32,
        length: *mut u32,
    ) -> i32;
}

/// A job's name, without the folder of names that it is in; nothing when it has none.
pub(super) fn name(job: HANDLE) -> Option<String> {
    let mut about = [0_u64; 128];
    let size = u32::try_from(size_of_val(&about)).ok()?;
    // SAFETY: the answer has the place that it is said to have.
    let status =
        unsafe { NtQueryObject(job, NAME, about.as_mut_ptr(), size, std::ptr::null_mut()) };
    // A length in bytes and a pointer, to the text behind them.
    let (length, text) = (usize::try_from(about[0] & 0xffff).ok()?, about[1] as *const u16);
    if status != 0 || text.is_null() || length == 0 {
        return None;
    }
    // SAFETY: the text is in the answer, and as long as is told.
    let text = unsafe { std::slice::from_raw_parts(text, length / 2) };
    String::from_utf16_lossy(text).rsplit('\\').next().map(str::to_owned)
}

/// Nothing runs in it, and it is a job.
pub(super) fn is_empty(job: HANDLE) -> bool {
    let mut about = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
    let size = u32::try_from(size_of_val(&about)).unwrap_or(0);
    // SAFETY: the answer has the place that it is said to have.
    let done = unsafe {
        QueryInformationJobObject(
            job,
            JobObjectBasicAccountingInformation,
            (&raw mut about).cast(),
            size,
            std::ptr::null_mut(),
        )
    };
    done != 0 && about.ActiveProcesses == 0
}

/// There is a job of this name.
pub(super) fn is_there(name: &str) -> bool {
    let name = wide(&format!(r"Global\{name}"));
    // SAFETY: the name ends with a zero; the handle is closed once.
    unsafe {
        let job = OpenJobObjectW(QUERY, 0, name.as_ptr());
        !job.is_null() && CloseHandle(job) != 0
    }
}
