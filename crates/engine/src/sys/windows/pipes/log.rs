//! The pipe that containerd reads a shim's log from.
//!
//! The shim listens; each connection takes the place of the one before, so that containerd can come
//! back. While nobody is connected, lines go to stderr, which is the bundle's `panic.log`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::windows::io::FromRawHandle as _;
use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_PIPE_CONNECTED, GetLastError, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, PIPE_NOWAIT, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, SetNamedPipeHandleState,
};

use super::super::text::wide;

const BUFFER: u32 = 64 << 10;

/// Where a shim's log lines go.
#[derive(Debug, Clone)]
pub struct LogPipe(Arc<Mutex<Option<File>>>);

/// Listens for whoever reads the log of `id`'s shim.
pub fn open_log(namespace: &str, id: &str) -> io::Result<LogPipe> {
    let name = wide(format!(r"\\.\pipe\containerd-shim-{namespace}-{id}-log"));
    let mut pipe = Instance(create(&name, FILE_FLAG_FIRST_PIPE_INSTANCE)?);
    let log = LogPipe(Arc::default());
    let current = log.clone();
    // It waits for connections as long as the process lives.
    std::thread::Builder::new().name("log".to_owned()).stack_size(128 << 10).spawn(move || {
        while let Ok(reader) = pipe.accept() {
            *current.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
            match create(&name, 0) {
                Ok(next) => pipe = Instance(next),
                Err(_) => return,
            }
        }
    })?;
    Ok(log)
}

impl LogPipe {
    /// Writes a line. What the pipe has no room for is lost: a log stops no container.
    pub fn write(&self, line: &[u8]) {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reader.as_mut().map(|reader| reader.write(line)) {
            Some(Ok(_)) => {}
            Some(Err(_)) => *reader = None,
            // There is nowhere else to tell it.
            None => drop(io::stderr().write_all(line)),
        }
    }
}

/// One instance of the pipe, without a reader yet.
struct Instance(usize);

impl Instance {
    /// Waits for a reader; from then on writing never waits.
    fn accept(&self) -> io::Result<File> {
        let handle = self.0 as HANDLE;
        // SAFETY: the handle is open; the call waits, and has no overlapped structure.
        let connected = unsafe { ConnectNamedPipe(handle, std::ptr::null_mut()) != 0 }
            // SAFETY: no pointers.
            || unsafe { GetLastError() } == ERROR_PIPE_CONNECTED;
        if !connected {
            let error = io::Error::last_os_error();
            // SAFETY: the handle is this one's alone.
            unsafe { CloseHandle(handle) };
            return Err(error);
        }
        let mode = PIPE_NOWAIT;
        // SAFETY: the handle is open and becomes the file's.
        unsafe {
            SetNamedPipeHandleState(handle, &raw const mode, std::ptr::null(), std::ptr::null());
            Ok(File::from_raw_handle(handle))
        }
    }
}

fn create(name: &[u16], first: u32) -> io::Result<usize> {
    // SAFETY: the name ends with a zero.
    let handle = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_OUTBOUND | first,
            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            BUFFER,
            BUFFER,
            0,
            std::ptr::null(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        Err(io::Error::last_os_error())
    } else {
        Ok(handle as usize)
    }
}
