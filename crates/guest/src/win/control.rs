//! Control events and ends of processes.
//!
//! The processes of a session have no console in common, so an event cannot go the way that
//! `GenerateConsoleCtrlEvent` takes. It goes the way that the console host itself ends: a thread in
//! the target that runs kernelbase's `CtrlRoutine`, which calls the handlers, newest first, down
//! to the default one that ends the process.

use std::time::{Duration, Instant};

use schema::guest::Failure;
use schema::process::ControlEvent;
use windows_sys::Win32::Foundation::{HMODULE, WAIT_OBJECT_0};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::ProcessStatus::{K32EnumProcessModules, K32GetModuleBaseNameW};
use windows_sys::Win32::System::Threading::{
    CreateRemoteThread, OpenProcess, PROCESS_CREATE_THREAD, PROCESS_QUERY_INFORMATION,
    PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, PROCESS_VM_OPERATION, PROCESS_VM_READ,
    PROCESS_VM_WRITE, TerminateProcess, WaitForSingleObject,
};

use super::handle::Handle;
use super::text::{narrow, wide};
use super::{error, processes};

/// How long a process that has just been started gets until it can take an event.
const LOADING: Duration = Duration::from_secs(5);
const POLL_MS: u32 = 5;

/// Delivers `event` to one process.
pub(super) fn signal(pid: u32, event: ControlEvent) -> Result<(), Failure> {
    let rights = PROCESS_CREATE_THREAD
        | PROCESS_QUERY_INFORMATION
        | PROCESS_VM_OPERATION
        | PROCESS_VM_READ
        | PROCESS_VM_WRITE
        | PROCESS_SYNCHRONIZE;
    let process = open(pid, rights)?;
    let routine = routine_in(&process, pid)?;
    // SAFETY: the address is not zero, and never called here: it is that routine's in the target,
    // which takes the event's number.
    let thread = unsafe {
        CreateRemoteThread(
            process.raw(),
            std::ptr::null(),
            0,
            Some(std::mem::transmute::<usize, unsafe extern "system" fn(*mut _) -> u32>(routine)),
            std::ptr::without_provenance(event.code() as usize),
            0,
            std::ptr::null_mut(),
        )
    };
    match Handle::own(thread) {
        Some(_) => Ok(()),
        // One that ended meanwhile needs no event any more.
        None if has_ended(&process, 0) => Err(not_found(pid)),
        None => Err(error::last(&format!("signalling process {pid}"))),
    }
}

/// Delivers `event` to every process of the user. One that ends meanwhile is no failure.
pub(super) fn signal_all(event: ControlEvent) -> Result<(), Failure> {
    for pid in processes::pids()? {
        match signal(pid, event) {
            Err(failure) if failure.code != NOT_FOUND => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

/// Ends one process.
pub(super) fn terminate(pid: u32, exit_code: u32) -> Result<(), Failure> {
    let process = open(pid, PROCESS_TERMINATE | PROCESS_SYNCHRONIZE)?;
    // SAFETY: the handle is open for this.
    if unsafe { TerminateProcess(process.raw(), exit_code) } != 0 {
        return Ok(());
    }
    if has_ended(&process, 0) {
        return Err(not_found(pid));
    }
    Err(error::last(&format!("ending process {pid}")))
}

/// Ends every process of the user, also those that are started meanwhile.
pub(super) fn terminate_all(exit_code: u32) -> Result<(), Failure> {
    const ROUNDS: u32 = 1000;
    for _ in 0..ROUNDS {
        let pids = processes::pids()?;
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids {
            match terminate(pid, exit_code) {
                Err(failure) if failure.code != NOT_FOUND => return Err(failure),
                _ => {}
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(Failure { code: 1460, message: "processes are started faster than they end".into() })
}

/// Waits until no process of the user is left; `false` when some are after `grace`.
pub(super) fn wait_for_all(grace: Duration) -> Result<bool, Failure> {
    let end = Instant::now() + grace;
    loop {
        if processes::pids()?.is_empty() {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(POLL_MS.into()));
    }
}

const NOT_FOUND: u32 = 1168;

fn not_found(pid: u32) -> Failure {
    error::failure(NOT_FOUND, &format!("process {pid}"))
}

fn open(pid: u32, rights: u32) -> Result<Handle, Failure> {
    // SAFETY: opens by number.
    let process = Handle::own(unsafe { OpenProcess(rights, 0, pid) });
    process.ok_or_else(|| match error::last_code() {
        5 => error::failure(5, &format!("opening process {pid}")),
        _ => not_found(pid),
    })
}

fn has_ended(process: &Handle, within_ms: u32) -> bool {
    // SAFETY: the handle is open for waiting.
    unsafe { WaitForSingleObject(process.raw(), within_ms) == WAIT_OBJECT_0 }
}

/// Where `CtrlRoutine` is in `process`; waits while the process is still being loaded.
fn routine_in(process: &Handle, pid: u32) -> Result<usize, Failure> {
    let (own_base, own_routine) = own_routine()?;
    let end = Instant::now() + LOADING;
    loop {
        if let Some(base) = kernelbase_of(process) {
            // The same file is mapped in both, perhaps at another address. The target itself
            // says which, and may say anything.
            let routine = base.checked_add(own_routine - own_base).filter(|routine| *routine != 0);
            return routine.ok_or_else(|| not_found(pid));
        }
        if has_ended(process, POLL_MS) {
            return Err(not_found(pid));
        }
        if Instant::now() >= end {
            return Err(error::failure(1460, &format!("process {pid} has not finished loading")));
        }
    }
}

fn own_routine() -> Result<(usize, usize), Failure> {
    let name = wide("kernelbase.dll");
    // SAFETY: the names are zero-terminated; kernelbase is never unloaded.
    let (base, routine) = unsafe {
        let base = GetModuleHandleW(name.as_ptr());
        (base, GetProcAddress(base, c"CtrlRoutine".as_ptr().cast()))
    };
    match routine {
        Some(routine) => Ok((base.addr(), routine as usize)),
        None => Err(error::last("this system's kernelbase has no CtrlRoutine")),
    }
}

fn kernelbase_of(process: &Handle) -> Option<usize> {
    let mut modules: [HMODULE; 256] = [std::ptr::null_mut(); 256];
    let mut needed = 0;
    let size = u32::try_from(size_of_val(&modules)).expect("2 KiB");
    // SAFETY: the array and its size belong together.
    let ok = unsafe {
        K32EnumProcessModules(process.raw(), modules.as_mut_ptr(), size, &raw mut needed)
    };
    if ok == 0 {
        return None;
    }
    let count = (needed as usize / size_of::<HMODULE>()).min(modules.len());
    let kernelbase =
        modules[..count].iter().find(|&&module| is_kernelbase(process, module)).copied()?;
    Some(kernelbase.addr())
}

fn is_kernelbase(process: &Handle, module: HMODULE) -> bool {
    let mut name = [0u16; 64];
    // SAFETY: the buffer and its length belong together.
    unsafe { K32GetModuleBaseNameW(process.raw(), module, name.as_mut_ptr(), 64) };
    narrow(&name).eq_ignore_ascii_case("kernelbase.dll")
}
