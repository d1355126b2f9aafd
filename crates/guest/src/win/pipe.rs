//! Message pipes, and two of them joined so that each message of one goes to the other.

use std::sync::Arc;

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_PIPE_BUSY, ERROR_PIPE_CONNECTED, GENERIC_READ, GENERIC_WRITE, HANDLE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_OVERLAPPED, FlushFileBuffers, OPEN_EXISTING, PIPE_ACCESS_DUPLEX,
    ReadFile, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE,
    PIPE_READMODE_MESSAGE, PIPE_TYPE_MESSAGE, PIPE_UNLIMITED_INSTANCES, SetNamedPipeHandleState,
    WaitNamedPipeW,
};
use windows_sys::Win32::System::Threading::CreateEventW;

use super::error;
use super::handle::Handle;
use super::text::wide;

/// Larger than any fragment of a remote procedure call.
const MESSAGE: usize = 64 << 10;

/// How long a pipe may be busy with others, in milliseconds.
const BUSY_MS: u32 = 30_000;

/// One end of a message pipe, usable by a reader and a writer at once.
pub(super) struct Pipe(Handle);

impl Pipe {
    /// A new instance of a pipe, for one client.
    pub(super) fn listen(name: &str) -> Result<Self, Failure> {
        Self::instance(name, PIPE_READMODE_MESSAGE)
    }

    /// The same, read as a stream of bytes: only a message that is empty is still told apart.
    pub(super) fn listen_for_bytes(name: &str) -> Result<Self, Failure> {
        Self::instance(name, PIPE_READMODE_BYTE)
    }

    fn instance(name: &str, read_mode: u32) -> Result<Self, Failure> {
        let size = u32::try_from(MESSAGE).expect("64 KiB");
        // SAFETY: the name is zero-terminated.
        let raw = unsafe {
            CreateNamedPipeW(
                wide(name).as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                PIPE_TYPE_MESSAGE | read_mode,
                PIPE_UNLIMITED_INSTANCES,
                size,
                size,
                30_000,
                std::ptr::null(),
            )
        };
        Handle::own(raw).map(Self).ok_or_else(|| error::last(&format!("making pipe {name}")))
    }

    /// Waits until somebody is at the other end.
    pub(super) fn wait_for_client(&self) -> Result<(), Failure> {
        // SAFETY: the handle is a pipe's; the state outlives the operation.
        let done = self.overlapped(|pipe, state| unsafe { ConnectNamedPipe(pipe, state) });
        match done {
            Err(ERROR_PIPE_CONNECTED) | Ok(_) => Ok(()),
            Err(code) => Err(error::failure(code, "waiting for a client")),
        }
    }

    /// Goes to somebody's listening instance.
    pub(super) fn connect(name: &str) -> Result<Self, Failure> {
        let pipe = Self::open(name)?;
        let mode = PIPE_READMODE_MESSAGE;
        // SAFETY: the mode lives for the call, the others may be null.
        unsafe {
            SetNamedPipeHandleState(
                pipe.0.raw(),
                &raw const mode,
                std::ptr::null(),
                std::ptr::null(),
            );
        }
        Ok(pipe)
    }

    /// The same, read as a stream of bytes. One that serves somebody else is waited for a while.
    pub(super) fn open_for_bytes(name: &str) -> Result<Self, Failure> {
        loop {
            match Self::open(name) {
                Err(failure) if failure.code == ERROR_PIPE_BUSY => {
                    // SAFETY: the name is zero-terminated.
                    if unsafe { WaitNamedPipeW(wide(name).as_ptr(), BUSY_MS) } == 0 {
                        return Err(failure);
                    }
                }
                other => return other,
            }
        }
    }

    fn open(name: &str) -> Result<Self, Failure> {
        // SAFETY: the name is zero-terminated.
        let raw = unsafe {
            CreateFileW(
                wide(name).as_ptr(),
                GENERIC_READ | GENERIC_WRITE,
                0,
                std::ptr::null(),
                OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED,
                std::ptr::null_mut(),
            )
        };
        Handle::own(raw).map(Self).ok_or_else(|| error::last(&format!("opening pipe {name}")))
    }

    /// Reads what is there; 0 is an empty message.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, u32> {
        let len = u32::try_from(buffer.len()).expect("64 KiB");
        let start = buffer.as_mut_ptr();
        // SAFETY: the buffer and the state outlive the operation, which is waited for.
        self.overlapped(|pipe, state| unsafe {
            ReadFile(pipe, start, len, std::ptr::null_mut(), state)
        })
    }

    /// Writes a message.
    pub(super) fn write(&self, message: &[u8]) -> Result<usize, u32> {
        let len = u32::try_from(message.len()).expect("64 KiB");
        // SAFETY: as above.
        self.overlapped(|pipe, state| unsafe {
            WriteFile(pipe, message.as_ptr(), len, std::ptr::null_mut(), state)
        })
    }

    /// Does one operation to its end; the bytes that it moved, or the error.
    fn overlapped(&self, act: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32) -> Result<usize, u32> {
        // SAFETY: an unnamed event.
        let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
        let event = Handle::own(event).ok_or_else(error::last_code)?;
        // SAFETY: all of its fields may be zero.
        let mut state: OVERLAPPED = unsafe { std::mem::zeroed() };
        state.hEvent = event.raw();
        if act(self.0.raw(), &raw mut state) == 0 {
            match error::last_code() {
                ERROR_IO_PENDING => {}
                code => return Err(code),
            }
        }
        let mut count = 0;
        // SAFETY: the operation's own handle and state.
        match unsafe { GetOverlappedResult(self.0.raw(), &raw const state, &raw mut count, 1) } {
            0 => Err(error::last_code()),
            _ => Ok(count as usize),
        }
    }

    /// Waits until the client has read everything, and sends it away.
    pub(super) fn disconnect(&self) {
        // SAFETY: the handle is open, and this end is the one that listened.
        unsafe {
            FlushFileBuffers(self.0.raw());
            DisconnectNamedPipe(self.0.raw());
        }
    }

    /// Lets whoever reads from it go on with an error.
    pub(super) fn give_up(&self) {
        // SAFETY: the handle is open.
        unsafe { CancelIoEx(self.0.raw(), std::ptr::null()) };
    }
}

/// Passes messages both ways until either end closes.
pub(super) fn join(one: &Arc<Pipe>, other: &Arc<Pipe>) {
    let (back_from, back_to) = (Arc::clone(other), Arc::clone(one));
    let back = std::thread::Builder::new()
        .name("pipe".into())
        .stack_size(super::serve::STACK)
        .spawn(move || pass(&back_from, &back_to));
    if back.is_ok() {
        pass(one, other);
    }
}

/// Passes messages one way. A message that is empty, or too long for the buffer, ends it.
fn pass(from: &Pipe, to: &Pipe) {
    let mut buffer = vec![0; MESSAGE];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write(&buffer[..count]).is_err() {
            break;
        }
    }
    from.give_up();
    to.give_up();
}
