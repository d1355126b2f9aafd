//! The job object that holds a compute system's processes.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Win32::Foundation::{HANDLE, UNICODE_STRING};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JobObjectBasicAccountingInformation, JobObjectBasicProcessIdList, QueryInformationJobObject,
    TerminateJobObject,
};

use super::pipes::wide;

/// A job object.
pub(crate) struct Job(OwnedHandle);

/// `JOB_OBJECT_ALL_ACCESS`.
const ALL_ACCESS: u32 = 0x001F_003F;
/// How many processes of one system are told of.
const MOST: usize = 1024;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtCreateJobObject(
        job: *mut HANDLE,
        access: u32,
        attributes: *const OBJECT_ATTRIBUTES,
    ) -> i32;
    fn RtlNtStatusToDosError(status: i32) -> u32;
}

impl Job {
    /// Makes the job of a system, which has its id in its name: `\Container_<id>`. While somebody
    /// still looks at one of this id that has ended, the name is that one's.
    pub(crate) fn new(id: &str) -> io::Result<Self> {
        let mut name = wide(&format!(r"\Container_{id}"));
        let bytes = u16::try_from((name.len() - 1) * 2).map_err(io::Error::other)?;
        let name =
            UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: name.as_mut_ptr() };
        match Self::named(&raw const name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::named(std::ptr::null())
            }
            made => made,
        }
    }

    fn named(name: *const UNICODE_STRING) -> io::Result<Self> {
        let attributes = OBJECT_ATTRIBUTES {
            Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).expect("a small structure"),
            ObjectName: name,
            ..OBJECT_ATTRIBUTES::default()
        };
        let mut handle: HANDLE = std::ptr::null_mut();
        // SAFETY: the attributes and the name in them live through the call.
        let status =
            unsafe { NtCreateJobObject(&raw mut handle, ALL_ACCESS, &raw const attributes) };
        // `STATUS_OBJECT_NAME_EXISTS` is no failure, and the job is another's.
        if status != 0 {
            // SAFETY: no pointers.
            let error = unsafe { RtlNtStatusToDosError(status) };
            return Err(io::Error::from_raw_os_error(error.cast_signed()));
        }
        // SAFETY: the handle is new and this one's alone.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// What runs in it.
    pub(crate) fn pids(&self) -> Vec<u32> {
        // Two counts of 32 bits, then a process id of a pointer's size each.
        let mut list = vec![0_usize; MOST + 1];
        let size = u32::try_from(list.len() * size_of::<usize>()).expect("a short list");
        // SAFETY: the list is as large as it is said to be.
        let told = unsafe {
            QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectBasicProcessIdList,
                list.as_mut_ptr().cast(),
                size,
                std::ptr::null_mut(),
            )
        };
        let listed = if told == 0 { 0 } else { list[0] >> 32 };
        list[1..].iter().take(listed).filter_map(|id| u32::try_from(*id).ok()).collect()
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
