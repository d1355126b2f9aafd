//! A job object: its name, its limits, what is in it, its end.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr;

use schema::SystemId;
use schema::job::JobLimits;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_MORE_DATA, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, IsProcessInJob, JOB_OBJECT_LIMIT_JOB_MEMORY,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectBasicProcessIdList, JobObjectCreateSilo, JobObjectExtendedLimitInformation,
    OpenJobObjectW, QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};

use super::super::text::wide;
use super::limits;
use crate::error::ErrorKind;

/// `JOB_OBJECT_ALL_ACCESS`.
const ALL_ACCESS: u32 = 0x001F_003F;
/// What its processes end with when the job is ended.
const ENDED: u32 = 1;

/// A job object; when the last handle is closed, what runs in it is ended.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

fn name(id: &SystemId) -> Vec<u16> {
    // Sessions have names of their own otherwise, and a shim runs in another than its user.
    // The case of an id tells no containers apart: their notes are files.
    wide(format!(r"Global\JobContainer_{}", id.as_str().to_ascii_lowercase()))
}

fn io_error(what: &'static str) -> ErrorKind {
    ErrorKind::io(what, io::Error::last_os_error())
}

impl Job {
    /// Makes the job of a container, also a silo if it is to be one. A name that is taken is refused.
    pub(super) fn create(
        id: &SystemId,
        limits: &JobLimits,
        is_silo: bool,
    ) -> Result<Self, ErrorKind> {
        let name = name(id);
        // SAFETY: the name ends with a zero.
        let handle = unsafe { CreateJobObjectW(ptr::null(), name.as_ptr()) };
        let outcome = io::Error::last_os_error();
        if handle.is_null() {
            return Err(ErrorKind::io("make a job object", outcome));
        }
        // SAFETY: the handle is new and nobody else's.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        if outcome.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()) {
            return Err(ErrorKind::AlreadyExists);
        }
        if is_silo {
            job.promote()?;
        }
        job.limit(limits)?;
        Ok(job)
    }

    /// The job of a container that somebody else holds.
    pub(super) fn open(id: &SystemId) -> Result<Self, ErrorKind> {
        let name = name(id);
        // SAFETY: the name ends with a zero.
        let handle = unsafe { OpenJobObjectW(ALL_ACCESS, 0, name.as_ptr()) };
        if handle.is_null() {
            let error = io::Error::last_os_error();
            return Err(match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound("compute system"),
                _ => ErrorKind::io("open a job object", error),
            });
        }
        // SAFETY: the handle is new and nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Makes it a silo. Nothing may run in it yet.
    fn promote(&self) -> Result<(), ErrorKind> {
        // SAFETY: the handle is open, and the class has no value.
        let done =
            unsafe { SetInformationJobObject(self.raw(), JobObjectCreateSilo, ptr::null(), 0) };
        if done != 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        Err(ErrorKind::io("make a silo of a job object, for what the bind filter binds", error))
    }

    fn limit(&self, limits: &JobLimits) -> Result<(), ErrorKind> {
        let mut extended = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        extended.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        if limits.memory_bytes > 0 {
            extended.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
            extended.JobMemoryLimit = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
        }
        self.set(JobObjectExtendedLimitInformation, &extended)
            .map_err(|error| ErrorKind::io("limit a job object", error))?;
        limits::apply(self, limits)
    }

    pub(super) fn set<T>(&self, class: i32, value: &T) -> io::Result<()> {
        self.set_all(class, std::slice::from_ref(value))
    }

    /// The same for a class that takes several.
    pub(super) fn set_all<T>(&self, class: i32, values: &[T]) -> io::Result<()> {
        let size = u32::try_from(size_of_val(values)).unwrap_or(u32::MAX);
        // SAFETY: the values are their class' and as large as they are said to be.
        let done =
            unsafe { SetInformationJobObject(self.raw(), class, values.as_ptr().cast(), size) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub(super) fn query<T: Default>(&self, class: i32) -> io::Result<T> {
        let mut value = T::default();
        let size = u32::try_from(size_of::<T>()).expect("a small structure");
        // SAFETY: the answer has a place of its class' size.
        let done = unsafe {
            QueryInformationJobObject(
                self.raw(),
                class,
                (&raw mut value).cast(),
                size,
                ptr::null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    /// What runs in it.
    pub(super) fn pids(&self) -> Result<Vec<u32>, ErrorKind> {
        let mut room = 64;
        loop {
            // Two counts of 32 bits, then a process id of a pointer's size each.
            let mut list = vec![0_usize; room + 1];
            let size = u32::try_from(list.len() * size_of::<usize>()).expect("a short list");
            // SAFETY: the list is as large as it is said to be.
            let done = unsafe {
                QueryInformationJobObject(
                    self.raw(),
                    JobObjectBasicProcessIdList,
                    list.as_mut_ptr().cast(),
                    size,
                    ptr::null_mut(),
                )
            };
            let error = io::Error::last_os_error();
            if done == 0 && error.raw_os_error() != Some(ERROR_MORE_DATA.cast_signed()) {
                return Err(ErrorKind::io("list a job's processes", error));
            }
            let (assigned, listed) = (list[0] & 0xffff_ffff, list[0] >> 32);
            if done != 0 && listed >= assigned.min(room) {
                let ids = list[1..].iter().take(listed);
                return Ok(ids.filter_map(|id| u32::try_from(*id).ok()).collect());
            }
            room *= 4;
        }
    }

    /// It is one of those in it: a process id may be somebody else's by the time that it is opened.
    pub(super) fn holds(&self, process: &OwnedHandle) -> bool {
        let mut is_in = 0;
        // SAFETY: both handles are open, and the answer has a place.
        let done = unsafe { IsProcessInJob(process.as_raw_handle(), self.raw(), &raw mut is_in) };
        done != 0 && is_in != 0
    }

    /// Ends everything in it.
    pub(super) fn terminate(&self) -> Result<(), ErrorKind> {
        // SAFETY: the handle is open.
        let done = unsafe { TerminateJobObject(self.raw(), ENDED) };
        if done == 0 { Err(io_error("end a job")) } else { Ok(()) }
    }

    pub(super) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}
