//! Owned handles.

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{
    CloseHandle, GENERIC_READ, GENERIC_WRITE, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};

use super::error;
use super::text::wide;

/// A handle, closed with its owner.
#[derive(Debug)]
pub(super) struct Handle(HANDLE);

// SAFETY: a handle is a number that any thread of the process may use.
unsafe impl Send for Handle {}
// SAFETY: as above; what is done through it is synchronised by the system.
unsafe impl Sync for Handle {}

impl Handle {
    /// Takes over what a call returned; `None` for either value that means failure.
    pub(super) fn own(raw: HANDLE) -> Option<Self> {
        (!raw.is_null() && raw != INVALID_HANDLE_VALUE).then_some(Self(raw))
    }

    /// The handle itself, this value staying its owner.
    pub(super) fn raw(&self) -> HANDLE {
        self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is this value's own, and closed once.
        unsafe { CloseHandle(self.0) };
    }
}

/// Which way a standard handle goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The process reads.
    In,
    /// The process writes.
    Out,
}

impl Direction {
    fn access(self) -> u32 {
        match self {
            Self::In => GENERIC_READ,
            Self::Out => GENERIC_WRITE,
        }
    }
}

/// An inheritable handle to the device that swallows everything and is always at its end.
pub(super) fn null_device(direction: Direction) -> Result<Handle, Failure> {
    let name = wide("NUL");
    // SAFETY: the name is zero-terminated; the other pointers may be null.
    let raw = unsafe {
        CreateFileW(
            name.as_ptr(),
            direction.access(),
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            std::ptr::null(),
            OPEN_EXISTING,
            0,
            std::ptr::null_mut(),
        )
    };
    let handle = Handle::own(raw).ok_or_else(|| error::last("opening NUL"))?;
    // SAFETY: the handle is open.
    if unsafe { SetHandleInformation(handle.raw(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) } == 0
    {
        return Err(error::last("sharing NUL"));
    }
    Ok(handle)
}
