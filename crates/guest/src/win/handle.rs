//! Owned handles, and Linux descriptors made into handles.

use std::sync::OnceLock;

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{
    CloseHandle, GENERIC_READ, GENERIC_WRITE, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING, SYNCHRONIZE,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

use super::error;
use super::linux::Fd;
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

type FdToHandle = unsafe extern "C" fn(i32, u32, u32, *mut HANDLE) -> i32;

/// An inheritable handle to what `fd` is; the descriptor itself is closed.
pub(super) fn from_fd(fd: Fd, direction: Direction) -> Result<Handle, Failure> {
    const OBJ_INHERIT: u32 = 2;
    let convert = fd_to_handle()?;
    let mut raw = std::ptr::null_mut();
    // SAFETY: Wine's export, called as Wine declares it.
    let status = unsafe {
        convert(fd.number(), direction.access() | SYNCHRONIZE, OBJ_INHERIT, &raw mut raw)
    };
    Handle::own(raw)
        .filter(|_| status >= 0)
        .ok_or_else(|| error::from_status(status, "making a handle of a standard stream"))
}

fn fd_to_handle() -> Result<FdToHandle, Failure> {
    static EXPORT: OnceLock<Option<FdToHandle>> = OnceLock::new();
    EXPORT.get_or_init(find_fd_to_handle).ok_or_else(|| Failure {
        code: 127,
        message: "this Wine's ntdll does not export wine_server_fd_to_handle, so standard streams \
                  cannot be handed over: use Wine 5 to 10"
            .into(),
    })
}

fn find_fd_to_handle() -> Option<FdToHandle> {
    let name = wide("ntdll.dll");
    // SAFETY: both names are zero-terminated; ntdll is never unloaded.
    let address = unsafe {
        let ntdll = GetModuleHandleW(name.as_ptr());
        GetProcAddress(ntdll, c"wine_server_fd_to_handle".as_ptr().cast())
    }?;
    // SAFETY: this is the declared type of Wine's export.
    Some(unsafe {
        std::mem::transmute::<unsafe extern "system" fn() -> isize, FdToHandle>(address)
    })
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
