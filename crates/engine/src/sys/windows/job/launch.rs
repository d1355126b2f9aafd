//! Starting a process in a job, on its streams or its console.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr;

use schema::Pid;
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessAsUserW,
    CreateProcessW, EXTENDED_STARTUPINFO_PRESENT, PROCESS_INFORMATION, STARTF_USESTDHANDLES,
    STARTUPINFOEXW, STARTUPINFOW,
};

use super::super::text::wide;
use super::account::Account;
use super::attributes::Attributes;
use super::console::Console;
use super::environment::Variables;
use super::object::Job;
use super::resolve::Found;
use super::signal;
use super::stdio::Given;
use crate::error::ErrorKind;
use schema::guest::Failure;

/// A process that was started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) process: OwnedHandle,
    pub(super) pid: Pid,
    pub(super) console: Option<Console>,
}

/// What a process is started with.
pub(super) struct Order<'a> {
    pub(super) found: &'a Found,
    pub(super) folder: &'a Path,
    pub(super) variables: &'a Variables,
    pub(super) account: &'a Account,
    pub(super) streams: Given,
}

/// Starts it. After an error nothing runs.
pub(super) fn launch(job: &Job, order: Order<'_>) -> Result<Started, ErrorKind> {
    let (process, pid) = create(job, &order)?;
    let console = match order.streams {
        Given::Streams(_) => None,
        Given::Console(console) => Some(console),
    };
    Ok(Started { process, pid, console })
}

fn create(job: &Job, order: &Order<'_>) -> Result<(OwnedHandle, Pid), ErrorKind> {
    let describing = |error| ErrorKind::io("describe a process to Windows", error);
    let mut list = Attributes::new().map_err(describing)?;
    list.job(job.raw()).map_err(describing)?;
    let startup = startup(&mut list, &order.streams).map_err(describing)?;
    let inherits = i32::from(matches!(order.streams, Given::Streams(_)));
    let program = wide(&order.found.program);
    let (mut line, folder) = (wide(&order.found.line), wide(order.folder));
    let block = order.variables.block();
    let flags = CREATE_UNICODE_ENVIRONMENT
        | EXTENDED_STARTUPINFO_PRESENT
        | CREATE_BREAKAWAY_FROM_JOB
        | if inherits != 0 { CREATE_NO_WINDOW } else { 0 };
    signal::allow_interrupts();
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: every text ends with a zero and lives through the call, as do the list and the block.
    let done = unsafe {
        let (name, block) = (program.as_ptr(), block.as_ptr().cast());
        let startup = (&raw const startup).cast::<STARTUPINFOW>();
        let none = ptr::null();
        if order.account.own {
            CreateProcessW(
                name,
                line.as_mut_ptr(),
                none,
                none,
                inherits,
                flags,
                block,
                folder.as_ptr(),
                startup,
                &raw mut made,
            )
        } else {
            CreateProcessAsUserW(
                order.account.raw(),
                name,
                line.as_mut_ptr(),
                none,
                none,
                inherits,
                flags,
                block,
                folder.as_ptr(),
                startup,
                &raw mut made,
            )
        }
    };
    if done == 0 {
        return Err(refused(&io::Error::last_os_error()));
    }
    // SAFETY: both handles are new and nobody else's.
    let (process, _thread) = unsafe {
        (OwnedHandle::from_raw_handle(made.hProcess), OwnedHandle::from_raw_handle(made.hThread))
    };
    Ok((process, Pid(made.dwProcessId)))
}

/// With a console the three streams are nothing, for Windows to fill in: it would take those of this
/// process otherwise.
fn startup(list: &mut Attributes, streams: &Given) -> io::Result<STARTUPINFOEXW> {
    let [input, output, error] = match streams {
        Given::Streams(handles) => {
            let handles = handles.each_ref().map(OwnedHandle::as_raw_handle);
            list.inherited(handles)?;
            handles
        }
        Given::Console(console) => {
            list.console(console.raw())?;
            [ptr::null_mut(); 3]
        }
    };
    let info = STARTUPINFOW {
        cb: u32::try_from(size_of::<STARTUPINFOEXW>()).expect("a small structure"),
        dwFlags: STARTF_USESTDHANDLES,
        hStdInput: input,
        hStdOutput: output,
        hStdError: error,
        ..STARTUPINFOW::default()
    };
    Ok(STARTUPINFOEXW { StartupInfo: info, lpAttributeList: list.raw() })
}

fn refused(error: &io::Error) -> ErrorKind {
    let code = error.raw_os_error().unwrap_or(0).cast_unsigned();
    ErrorKind::Guest(Failure { code, message: format!("cannot start it: {error}") })
}
