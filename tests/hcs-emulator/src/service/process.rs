//! One process of a compute system.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde_json::json;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Threading::{
    CreateRemoteThread, GetExitCodeProcess, INFINITE, TerminateProcess, WaitForSingleObject,
};

use super::console::Console;
use super::link::Link;
use super::locked;
use super::pipes::wide;
use super::system::System;
use crate::codes;
use crate::wire::PROCESS_EXITED;

/// A process.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) system: Weak<System>,
    pub(crate) console: Mutex<Option<Console>>,
    handle: OwnedHandle,
    exit: Mutex<Option<u32>>,
    listeners: Mutex<Vec<(Arc<Link>, u64)>>,
}

impl Process {
    pub(super) fn new(
        pid: u32,
        handle: OwnedHandle,
        system: &Arc<System>,
        console: Option<Console>,
    ) -> Arc<Self> {
        Arc::new(Self {
            pid,
            system: Arc::downgrade(system),
            console: Mutex::new(console),
            handle,
            exit: Mutex::default(),
            listeners: Mutex::default(),
        })
    }

    pub(crate) fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// Waits for its end on a thread of its own, and tells it.
    pub(super) fn watch(self: &Arc<Self>) {
        let process = Arc::clone(self);
        std::thread::spawn(move || {
            let mut code = 0;
            // SAFETY: the handle is open as long as the process is known here.
            unsafe {
                WaitForSingleObject(process.raw(), INFINITE);
                GetExitCodeProcess(process.raw(), &raw mut code);
            }
            process.ended(code);
        });
    }

    fn ended(&self, code: u32) {
        // Its console goes with it, and with that its output ends.
        drop(locked(&self.console).take());
        let listeners = {
            let mut exit = locked(&self.exit);
            *exit = Some(code);
            locked(&self.listeners).clone()
        };
        for (link, handle) in listeners {
            link.tell(handle, PROCESS_EXITED, &self.status());
        }
        if let Some(system) = self.system.upgrade() {
            system.forget(self.pid);
        }
    }

    /// `ProcessStatus`.
    pub(crate) fn status(&self) -> String {
        let exit = *locked(&self.exit);
        json!({
            "ProcessId": self.pid,
            "Exited": exit.is_some(),
            "ExitCode": exit.unwrap_or_default(),
            "LastWaitResult": 0,
        })
        .to_string()
    }

    /// Waits for its end; whether that came.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let limit = u32::try_from(limit.as_millis()).unwrap_or(INFINITE);
        // SAFETY: the handle is open.
        let waited = unsafe { WaitForSingleObject(self.raw(), limit) };
        waited == WAIT_OBJECT_0
    }

    pub(crate) fn has_ended(&self) -> bool {
        locked(&self.exit).is_some()
    }

    /// Who comes late is told at once.
    pub(super) fn subscribe(&self, link: &Arc<Link>, handle: u64) {
        let exit = locked(&self.exit);
        locked(&self.listeners).push((Arc::clone(link), handle));
        let is_over = exit.is_some();
        drop(exit);
        if is_over {
            link.tell(handle, PROCESS_EXITED, &self.status());
        }
    }

    pub(super) fn unsubscribe(&self, link: &Link, handle: u64) {
        let same = |other: &Arc<Link>| std::ptr::eq(&raw const **other, link);
        locked(&self.listeners).retain(|(other, number)| !same(other) || *number != handle);
    }

    pub(crate) fn terminate(&self) -> Result<(), u32> {
        if self.has_ended() {
            return Err(codes::PROCESS_ALREADY_STOPPED);
        }
        // SAFETY: the handle is open.
        let done = unsafe { TerminateProcess(self.raw(), codes::PROCESS_ABORTED) };
        if done == 0 { Err(codes::PROCESS_ALREADY_STOPPED) } else { Ok(()) }
    }

    /// Delivers a control event as the console would: on a new thread of the process.
    pub(crate) fn signal(&self, event: u32) -> Result<(), u32> {
        if self.has_ended() {
            return Err(codes::PROCESS_ALREADY_STOPPED);
        }
        let kernel = wide("kernel32.dll");
        // SAFETY: both names end with a zero; kernel32 is at one address in all processes.
        let routine = unsafe {
            let module = GetModuleHandleW(kernel.as_ptr());
            GetProcAddress(module, c"CtrlRoutine".as_ptr().cast())
        };
        let Some(routine) = routine else { return Err(codes::NOT_SUPPORTED) };
        // SAFETY: `CtrlRoutine` has a thread routine's signature.
        let routine = unsafe {
            std::mem::transmute::<
                unsafe extern "system" fn() -> isize,
                unsafe extern "system" fn(*mut core::ffi::c_void) -> u32,
            >(routine)
        };
        // SAFETY: the handle is open; the parameter is a number and no pointer.
        let thread = unsafe {
            CreateRemoteThread(
                self.raw(),
                std::ptr::null(),
                0,
                Some(routine),
                std::ptr::without_provenance(event as usize),
                0,
                std::ptr::null_mut(),
            )
        };
        if thread.is_null() {
            return Err(codes::PROCESS_ALREADY_STOPPED);
        }
        // SAFETY: the thread's handle is new and not used any more.
        unsafe { windows_sys::Win32::Foundation::CloseHandle(thread) };
        Ok(())
    }
}
