//! The job object that holds a compute system's processes.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JobObjectBasicAccountingInformation, QueryInformationJobObject, TerminateJobObject,
};

/// A job object.
pub(crate) struct Job(OwnedHandle);

impl Job {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no name and no attributes.
        let handle = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new and this one's alone.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub(crate) fn add(&self, process: HANDLE) -> io::Result<()> {
        // SAFETY: both handles are open.
        let added = unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process) };
        if added == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub(crate) fn terminate(&self, code: u32) {
        // SAFETY: the handle is open. A job with nothing in it is as good as ended.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), code) };
    }

    /// User and kernel time in units of 100 ns; zeros where Windows does not count.
    pub(crate) fn times(&self) -> (u64, u64) {
        let mut info = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        let size = u32::try_from(size_of_val(&info)).expect("a small structure");
        // SAFETY: the structure is of this class and of this size.
        let told = unsafe {
            QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut info).cast(),
                size,
                std::ptr::null_mut(),
            )
        };
        if told == 0 {
            return (0, 0);
        }
        (info.TotalUserTime.cast_unsigned(), info.TotalKernelTime.cast_unsigned())
    }
}
