//! Starting a process in a job: it is made suspended, put into the job, and let go.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;

use schema::Pid;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT,
    CreateProcessAsUserW, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROCESS_INFORMATION, ResumeThread, STARTF_USESTDHANDLES,
    STARTUPINFOEXW, STARTUPINFOW, TerminateProcess, UpdateProcThreadAttribute,
};

use super::super::text::wide;
use super::account::Account;
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
}

/// What a process is started with.
pub(super) struct Order<'a> {
    pub(super) found: &'a Found,
    pub(super) folder: &'a Path,
    pub(super) variables: &'a Variables,
    pub(super) account: &'a Account,
    pub(super) streams: &'a Given,
}

/// Starts it. After an error nothing runs.
pub(super) fn launch(job: &Job, order: &Order<'_>) -> Result<Started, ErrorKind> {
    let (process, thread, pid) = create(order)?;
    let begun = job.take_in(process.as_raw_handle()).and_then(|()| {
        // SAFETY: the handle is open.
        let count = unsafe { ResumeThread(thread.as_raw_handle()) };
        if count != u32::MAX {
            return Ok(());
        }
        Err(ErrorKind::io("let a process go", io::Error::last_os_error()))
    });
    begun.inspect_err(|_| {
        // SAFETY: the handle is open; it has not run.
        unsafe { TerminateProcess(process.as_raw_handle(), 1) };
    })?;
    Ok(Started { process, pid })
}

fn create(order: &Order<'_>) -> Result<(OwnedHandle, OwnedHandle, Pid), ErrorKind> {
    let mut list = Inherited::new(order.streams.raw())
        .map_err(|error| ErrorKind::io("list what a process inherits", error))?;
    let program = wide(&order.found.program);
    let (mut line, folder) = (wide(&order.found.line), wide(order.folder));
    let block = order.variables.block();
    let [input, output, error] = order.streams.raw();
    let startup = STARTUPINFOEXW {
        StartupInfo: STARTUPINFOW {
            cb: u32::try_from(size_of::<STARTUPINFOEXW>()).expect("a small structure"),
            dwFlags: STARTF_USESTDHANDLES,
            hStdInput: input,
            hStdOutput: output,
            hStdError: error,
            ..STARTUPINFOW::default()
        },
        lpAttributeList: list.raw(),
    };
    let flags = CREATE_SUSPENDED
        | CREATE_UNICODE_ENVIRONMENT
        | EXTENDED_STARTUPINFO_PRESENT
        | CREATE_NO_WINDOW
        | CREATE_BREAKAWAY_FROM_JOB;
    signal::allow_interrupts();
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: every text ends with a zero and lives through the call, as do the list and the block.
    let done = unsafe {
        let (name, block) = (program.as_ptr(), block.as_ptr().cast());
        let startup = (&raw const startup).cast::<STARTUPINFOW>();
        let none = std::ptr::null();
        if order.account.own {
            CreateProcessW(
                name,
                line.as_mut_ptr(),
                none,
                none,
                1,
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
                1,
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
    let handles = unsafe {
        (OwnedHandle::from_raw_handle(made.hProcess), OwnedHandle::from_raw_handle(made.hThread))
    };
    Ok((handles.0, handles.1, Pid(made.dwProcessId)))
}

fn refused(error: &io::Error) -> ErrorKind {
    let code = error.raw_os_error().unwrap_or(0).cast_unsigned();
    ErrorKind::Guest(Failure { code, message: format!("cannot start it: {error}") })
}

/// The list of what a process inherits.
struct Inherited {
    space: Vec<u64>,
    handles: Box<[HANDLE; 3]>,
}

impl Inherited {
    fn new(handles: [HANDLE; 3]) -> io::Result<Self> {
        let handles = Box::new(handles);
        let mut size = 0;
        // SAFETY: without a list it only tells its size.
        unsafe { InitializeProcThreadAttributeList(std::ptr::null_mut(), 1, 0, &raw mut size) };
        let mut list = Self { space: vec![0; size.div_ceil(8)], handles };
        // SAFETY: the space is as large as was asked for, and the handles live as long as the list.
        let done = unsafe {
            InitializeProcThreadAttributeList(list.raw(), 1, 0, &raw mut size) != 0
                && UpdateProcThreadAttribute(
                    list.raw(),
                    0,
                    PROC_THREAD_ATTRIBUTE_HANDLE_LIST as usize,
                    list.handles.as_ptr().cast(),
                    size_of::<[HANDLE; 3]>(),
                    std::ptr::null_mut(),
                    std::ptr::null(),
                ) != 0
        };
        if done { Ok(list) } else { Err(io::Error::last_os_error()) }
    }

    fn raw(&mut self) -> *mut std::ffi::c_void {
        self.space.as_mut_ptr().cast()
    }
}

impl Drop for Inherited {
    fn drop(&mut self) {
        // SAFETY: it was initialised, or is all zeros.
        unsafe { DeleteProcThreadAttributeList(self.raw()) };
    }
}
