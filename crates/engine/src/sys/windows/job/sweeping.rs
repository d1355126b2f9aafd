//! One at a time reads the note of a container that is gone, takes away what it says, or writes the
//! note of the next one: by a name of its own, since the job's would be a container that runs.

use std::io;
use std::marker::PhantomData;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::time::Duration;

use schema::SystemId;
use windows_sys::Win32::Foundation::{WAIT_ABANDONED, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::Storage::FileSystem::SYNCHRONIZE;
use windows_sys::Win32::System::Threading::{CreateMutexExW, ReleaseMutex, WaitForSingleObject};

use super::super::text::wide;
use crate::error::ErrorKind;

/// Longer than anything takes that is taken away.
const PATIENCE: Duration = Duration::from_secs(30);

/// It is this thread's turn as long as this lives.
#[derive(Debug)]
pub(super) struct Sweeping {
    mutex: OwnedHandle,
    /// What a thread has taken only it gives back.
    _thread: PhantomData<*const ()>,
}

impl Sweeping {
    /// Waits until nobody else has the turn for this container.
    pub(super) fn begin(id: &SystemId) -> Result<Self, ErrorKind> {
        Self::of(&format!(r"Global\TransomSweep_{}", id.as_str().to_ascii_lowercase()))
    }

    /// Waits until nobody else looks at the folders that several containers may need. Whoever has the
    /// turn for a container may wait for this one, and never the other way round.
    pub(super) fn of_folders() -> Result<Self, ErrorKind> {
        Self::of(r"Global\TransomFolders")
    }

    fn of(name: &str) -> Result<Self, ErrorKind> {
        let failed = || ErrorKind::io("wait for a sweep", io::Error::last_os_error());
        let name = wide(name);
        // SAFETY: the name ends with a zero.
        let mutex = unsafe { CreateMutexExW(std::ptr::null(), name.as_ptr(), 0, SYNCHRONIZE) };
        if mutex.is_null() {
            return Err(failed());
        }
        // SAFETY: the handle is new and nobody else's.
        let mutex = unsafe { OwnedHandle::from_raw_handle(mutex) };
        let limit = u32::try_from(PATIENCE.as_millis()).expect("half a minute");
        // SAFETY: the handle is open.
        match unsafe { WaitForSingleObject(mutex.as_raw_handle(), limit) } {
            // Whoever was killed on the way has left a note that is read again.
            WAIT_OBJECT_0 | WAIT_ABANDONED => Ok(Self { mutex, _thread: PhantomData }),
            WAIT_TIMEOUT => {
                Err(ErrorKind::TimedOut { what: "the end of a sweep", after: PATIENCE })
            }
            _ => Err(failed()),
        }
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and it is this thread's turn.
        unsafe { ReleaseMutex(self.mutex.as_raw_handle()) };
    }
}
