//! The standard streams of a process in a job: pipes whose far ends it inherits, or a console with a
//! pipe each way.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use uuid::Uuid;
use windows_sys::Win32::Foundation::{
    GENERIC_READ, GENERIC_WRITE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};

use super::super::access::Access;
use super::super::pipes::settle;
use super::super::text::wide;
use super::console::Console;
use crate::system::Stdio;
use schema::process::ProcessParameters;

/// What the process is given.
#[derive(Debug)]
pub(super) enum Given {
    /// Input, output and errors, which it inherits; one that nobody asked for is the null device.
    Streams([OwnedHandle; 3]),
    /// All three are its console's.
    Console(Console),
}

/// Makes both sides.
pub(super) fn make(parameters: &ProcessParameters) -> io::Result<(Given, Stdio)> {
    if parameters.emulate_console {
        return on_console(parameters);
    }
    let (input, stdin) = end(parameters.create_std_in_pipe, GENERIC_READ)?;
    let (output, stdout) = end(parameters.create_std_out_pipe, GENERIC_WRITE)?;
    let (error, stderr) = end(parameters.create_std_err_pipe, GENERIC_WRITE)?;
    let given = [input, output, error];
    given.iter().try_for_each(let_inherit)?;
    let ours = Stdio {
        stdin: stdin.map(|pipe| Box::pin(pipe) as _),
        stdout: stdout.map(|pipe| Box::pin(pipe) as _),
        stderr: stderr.map(|pipe| Box::pin(pipe) as _),
    };
    Ok((Given::Streams(given), ours))
}

/// Its keys, and all that it shows: a console has no stream for errors.
fn on_console(parameters: &ProcessParameters) -> io::Result<(Given, Stdio)> {
    let (input, keys) = pipe(GENERIC_READ)?;
    let (output, shown) = end(parameters.create_std_out_pipe, GENERIC_WRITE)?;
    let (stdin, idle) =
        if parameters.create_std_in_pipe { (Some(keys), None) } else { (None, Some(keys)) };
    // Its ends are closed here with the call: they would keep whoever reads from the end of it.
    let console = Console::new(parameters.console(), &input, &output, idle)?;
    let ours = Stdio {
        stdin: stdin.map(|pipe| Box::pin(pipe) as _),
        stdout: shown.map(|pipe| Box::pin(pipe) as _),
        stderr: None,
    };
    Ok((Given::Console(console), ours))
}

/// The process' end of a stream, and ours if there is one.
fn end(wanted: bool, access: u32) -> io::Result<(OwnedHandle, Option<NamedPipeServer>)> {
    if !wanted {
        return Ok((open("NUL", access)?, None));
    }
    pipe(access).map(|(theirs, ours)| (theirs, Some(ours)))
}

/// The process' end of a pipe, and ours.
fn pipe(access: u32) -> io::Result<(OwnedHandle, NamedPipeServer)> {
    let name = format!(r"\\.\pipe\transom-{}", Uuid::new_v4());
    let reads = access == GENERIC_READ;
    let mut options = ServerOptions::new();
    options.access_inbound(!reads).access_outbound(reads).first_pipe_instance(true);
    // Whoever guesses the name is not let in; what is inherited is opened here.
    let ours = Access::administrators()?.pipe(&name, options.max_instances(1))?;
    let theirs = open(&name, access)?;
    settle(&ours)?;
    Ok((theirs, ours))
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
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Only a process that is told of it inherits it.
fn let_inherit(handle: &OwnedHandle) -> io::Result<()> {
    // SAFETY: it is open.
    let done = unsafe {
        SetHandleInformation(handle.as_raw_handle(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
