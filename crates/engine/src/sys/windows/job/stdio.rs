//! The standard streams of a process in a job: pipes whose far ends it inherits.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use uuid::Uuid;
use windows_sys::Win32::Foundation::{
    GENERIC_READ, GENERIC_WRITE, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};

use super::super::access::Access;
use super::super::pipes::settle;
use super::super::text::wide;
use crate::system::Stdio;
use schema::process::ProcessParameters;

/// What the process is given; nothing means the null device.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) input: OwnedHandle,
    pub(super) output: OwnedHandle,
    pub(super) error: OwnedHandle,
}

impl Given {
    /// The handles that are inherited, and no other.
    pub(super) fn raw(&self) -> [HANDLE; 3] {
        [&self.input, &self.output, &self.error]
            .map(std::os::windows::io::AsRawHandle::as_raw_handle)
    }
}

/// Makes both sides.
pub(super) fn make(parameters: &ProcessParameters) -> io::Result<(Given, Stdio)> {
    let (input, stdin) = end(parameters.create_std_in_pipe, GENERIC_READ)?;
    let (output, stdout) = end(parameters.create_std_out_pipe, GENERIC_WRITE)?;
    let (error, stderr) = end(parameters.create_std_err_pipe, GENERIC_WRITE)?;
    let ours = Stdio {
        stdin: stdin.map(|pipe| Box::pin(pipe) as _),
        stdout: stdout.map(|pipe| Box::pin(pipe) as _),
        stderr: stderr.map(|pipe| Box::pin(pipe) as _),
    };
    Ok((Given { input, output, error }, ours))
}

/// The process' end of a stream, and ours if there is one.
fn end(wanted: bool, access: u32) -> io::Result<(OwnedHandle, Option<NamedPipeServer>)> {
    if !wanted {
        return Ok((open("NUL", access)?, None));
    }
    let name = format!(r"\\.\pipe\transom-{}", Uuid::new_v4());
    let reads = access == GENERIC_READ;
    let mut options = ServerOptions::new();
    options.access_inbound(!reads).access_outbound(reads).first_pipe_instance(true);
    // Whoever guesses the name is not let in; what is inherited is opened here.
    let ours = Access::administrators()?.pipe(&name, options.max_instances(1))?;
    let theirs = open(&name, access)?;
    settle(&ours)?;
    Ok((theirs, Some(ours)))
}

fn open(name: &str, access: u32) -> io::Result<OwnedHandle> {
    let name = wide(name);
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
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    // SAFETY: it is open. Only a process that is told of it inherits it.
    let done = unsafe {
        SetHandleInformation(handle.as_raw_handle(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(handle) }
}
