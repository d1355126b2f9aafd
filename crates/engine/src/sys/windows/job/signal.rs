//! Control events, as a console would deliver them: on a new thread of the process.
//!
//! A console takes Ctrl+C and Ctrl+Break only, and only from a process that is on it; and this one
//! may not leave its own. The routine that Windows itself starts for an event takes them all.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use schema::process::ControlEvent;
use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Threading::{
    CreateRemoteThread, IsWow64Process, OpenProcess, PROCESS_CREATE_THREAD,
    PROCESS_QUERY_INFORMATION, PROCESS_VM_OPERATION, PROCESS_VM_READ, PROCESS_VM_WRITE,
};

use super::super::text::wide;
use super::object::Job;

type Routine = unsafe extern "system" fn(*mut std::ffi::c_void) -> u32;

/// Lets programs that are started from here take Ctrl+C: whoever started this one may have turned it
/// off, and that is handed down.
pub(super) fn allow_interrupts() {
    // SAFETY: no handler: only the flag is set.
    unsafe { SetConsoleCtrlHandler(None, 0) };
}

/// Delivers an event to a process.
pub(super) fn send(process: &OwnedHandle, event: ControlEvent) -> io::Result<()> {
    let mut is_narrow = 0;
    // SAFETY: the handle is open, and the answer has a place.
    unsafe { IsWow64Process(process.as_raw_handle(), &raw mut is_narrow) };
    if is_narrow != 0 {
        let why = "a 32-bit program takes no control events from a 64-bit one";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    let routine = routine()?;
    // SAFETY: the handle is open; the parameter is a number and no pointer.
    let thread = unsafe {
        CreateRemoteThread(
            process.as_raw_handle(),
            std::ptr::null(),
            0,
            Some(routine),
            std::ptr::without_provenance(event.code() as usize),
            0,
            std::ptr::null_mut(),
        )
    };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    drop(unsafe { OwnedHandle::from_raw_handle(thread) });
    Ok(())
}

/// The same for one in a job, whoever started it.
pub(super) fn send_to(job: &Job, pid: u32, event: ControlEvent) -> io::Result<()> {
    let access = PROCESS_CREATE_THREAD
        | PROCESS_QUERY_INFORMATION
        | PROCESS_VM_OPERATION
        | PROCESS_VM_READ
        | PROCESS_VM_WRITE;
    // SAFETY: no pointers.
    let process = unsafe { OpenProcess(access, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    if job.holds(&process) { send(&process, event) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// `kernel32.dll` is at one address in all processes of a kind.
fn routine() -> io::Result<Routine> {
    let kernel = wide("kernel32.dll");
    // SAFETY: both names end with a zero.
    let routine = unsafe {
        let module = GetModuleHandleW(kernel.as_ptr());
        GetProcAddress(module, c"CtrlRoutine".as_ptr().cast())
    };
    let routine = routine.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: `CtrlRoutine` has a thread routine's signature.
    Ok(unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, Routine>(routine) })
}
