//! The pipe that containerd reads a shim's log from.
//!
//! The shim listens; each connection takes the place of the one before, so that containerd can come
//! back. While nobody is connected, lines go to stderr, which is the bundle's `panic.log`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::Foundation::{ERROR_PIPE_CONNECTED, GetLastError, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, PIPE_NOWAIT, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, SetNamedPipeHandleState,
};

use super::super::access::Access;
use super::super::text::wide;

const BUFFER: u32 = 64 << 10;

/// Where a shim's log lines go.
#[derive(Debug, Clone)]
pub struct LogPipe(Arc<Mutex<Option<File>>>);

/// Listens for whoever reads the log of `id`'s shim.
pub fn open_log(namespace: &str, id: &str) -> io::Result<LogPipe> {
    let name = wide(format!(r"\\.\pipe\containerd-shim-{namespace}-{id}-log"));
    let access = Access::administrators()?;
    let first = Instance::new(&name, FILE_FLAG_FIRST_PIPE_INSTANCE, &access)?;
    let log = LogPipe(Arc::default());
    let current = log.clone();
    // It waits for connections as long as the process lives.
    let serve = move || {
        let mut next = Ok(first);
        while let Ok(instance) = next {
            // Who came and left before it was seen leaves room for the next.
            if let Ok(reader) = instance.accept() {
                *current.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
            }
            next = Instance::new(&name, 0, &access);
        }
    };
    std::thread::Builder::new().name("log".to_owned()).stack_size(128 << 10).spawn(serve)?;
    Ok(log)
}

impl LogPipe {
    /// Writes a line. What the pipe has no room for is lost: a log stops no container.
    pub fn write(&self, line: &[u8]) {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = reader.as_mut() {
            if pipe.write(line).is_ok() {
                return;
            }
            *reader = None;
        }
        // There is nowhere else to tell it.
        drop(io::stderr().write_all(line));
    }
}

/// One instance of the pipe, without a reader yet.
struct Instance(OwnedHandle);

impl Instance {
    fn new(name: &[u16], first: u32, access: &Access) -> io::Result<Self> {
        let attributes = access.attributes();
        // SAFETY: the name ends with a zero, and the attributes are whole.
        let handle = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_OUTBOUND | first,
                PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                BUFFER,
                BUFFER,
                0,
                &raw const attributes,
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new and nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Waits for a reader; from then on writing never waits. An error is a reader that has gone.
    fn accept(self) -> io::Result<File> {
        let handle = self.0.as_raw_handle();
        // SAFETY: the handle is open; the call waits, and has no overlapped structure.
        let connected = unsafe { ConnectNamedPipe(handle, std::ptr::null_mut()) != 0 };
        // SAFETY: no pointers.
        if !connected && unsafe { GetLastError() } != ERROR_PIPE_CONNECTED {
            return Err(io::Error::last_os_error());
        }
        let mode = PIPE_NOWAIT;
        // SAFETY: the handle is open.
        unsafe {
            SetNamedPipeHandleState(handle, &raw const mode, std::ptr::null(), std::ptr::null());
        }
        Ok(File::from(self.0))
    }
}
