//! A process' streams: the overlapped end for the caller, the plain end for the process.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::atomic::{AtomicU64, Ordering};

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, GENERIC_READ, GENERIC_WRITE, HANDLE,
    HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_SHARE_READ,
    FILE_SHARE_WRITE, OPEN_EXISTING, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcess, PROCESS_DUP_HANDLE};

pub(crate) use crate::client::text::wide;

const BUFFER: u32 = 64 << 10;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the process.
    In,
    /// Out of it.
    Out,
}

/// A stream's two ends.
pub(crate) struct Pair {
    /// Overlapped, the caller's.
    pub(crate) far: OwnedHandle,
    /// The process'.
    pub(crate) near: OwnedHandle,
}

impl Pair {
    pub(crate) fn new(way: Way) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = wide(&format!(r"\\.\pipe\hcs-emulator-{}-{number}", std::process::id()));
        let (mode, access) = match way {
            Way::In => (PIPE_ACCESS_OUTBOUND, GENERIC_READ),
            Way::Out => (PIPE_ACCESS_INBOUND, GENERIC_WRITE),
        };
        // SAFETY: the name ends with a zero.
        let far = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                mode | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                1,
                BUFFER,
                BUFFER,
                0,
                std::ptr::null(),
            )
        };
        let far = owned(far)?;
        Ok(Self { far, near: open(&name, access)? })
    }
}

/// A stream that nobody asked for.
pub(crate) fn nul(way: Way) -> io::Result<OwnedHandle> {
    let access = if way == Way::In { GENERIC_READ } else { GENERIC_WRITE };
    open(&wide("NUL"), access)
}

fn open(name: &[u16], access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: the name ends with a zero.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            access,
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            std::ptr::null(),
            OPEN_EXISTING,
            0,
            std::ptr::null_mut(),
        )
    };
    owned(handle)
}

fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Lets a child have it.
pub(crate) fn inheritable(handle: &OwnedHandle) -> io::Result<()> {
    // SAFETY: the handle is open.
    let set = unsafe {
        SetHandleInformation(handle.as_raw_handle(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT)
    };
    if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives a handle to another process; its number there.
pub(crate) fn give(pid: u32, handle: &OwnedHandle) -> io::Result<u64> {
    // SAFETY: no pointers.
    let process = owned(unsafe { OpenProcess(PROCESS_DUP_HANDLE, 0, pid) })?;
    let mut there: HANDLE = std::ptr::null_mut();
    // SAFETY: all handles are open, and the result has a place.
    let done = unsafe {
        DuplicateHandle(
            GetCurrentProcess(),
            handle.as_raw_handle(),
            process.as_raw_handle(),
            &raw mut there,
            0,
            0,
            DUPLICATE_SAME_ACCESS,
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(there as u64) }
}
