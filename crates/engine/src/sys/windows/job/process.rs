//! A process in a job.

use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::sync::Arc;

use schema::process::ControlEvent;
use schema::{ExitCode, Pid};
use tokio::sync::watch;
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, FreeConsole, GenerateConsoleCtrlEvent,
};
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, INFINITE, TerminateProcess, WaitForSingleObject,
};

use super::launch::Started;
use crate::error::ErrorKind;

/// A handle to a process in a job.
#[derive(Debug, Clone)]
pub(in super::super) struct JobProcess(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pid: Pid,
    process: Arc<OwnedHandle>,
    exit: watch::Receiver<Option<ExitCode>>,
}

impl JobProcess {
    /// Watches it from a thread of its own: what waits for a program must not keep others waiting.
    pub(super) fn watch(started: Started) -> Result<Self, ErrorKind> {
        let (tell, exit) = watch::channel(None);
        let process = Arc::new(started.process);
        let watched = Arc::clone(&process);
        let thread = std::thread::Builder::new().name("job process".into()).stack_size(64 << 10);
        let watching = thread.spawn(move || {
            // Whoever asked may have gone.
            tell.send(Some(wait(&watched))).ok();
        });
        watching.map_err(|error| ErrorKind::io("watch a process", error))?;
        Ok(Self(Arc::new(Inner { pid: started.pid, process, exit })))
    }

    pub(in super::super) fn pid(&self) -> Pid {
        self.0.pid
    }

    pub(in super::super) async fn wait(&self) -> ExitCode {
        let mut exit = self.0.exit.clone();
        let code = exit.wait_for(Option::is_some).await.map(|code| *code);
        code.ok().flatten().unwrap_or(ExitCode::UNKNOWN)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.exit.borrow().is_some()
    }

    /// Ends it. `false` when it has already ended.
    pub(in super::super) fn terminate(&self, code: ExitCode) -> Result<bool, ErrorKind> {
        if self.has_ended() {
            return Ok(false);
        }
        // SAFETY: the handle is open.
        let done = unsafe { TerminateProcess(self.0.process.as_raw_handle(), code.0) };
        let error = io::Error::last_os_error();
        match done {
            0 if code_of(&self.0.process) != STILL_ACTIVE => Ok(false),
            0 => Err(ErrorKind::io("end a process", error)),
            _ => Ok(true),
        }
    }

    /// Delivers a control event. `false` when it has already ended.
    ///
    /// A process' console is another than this one's, which may have only one at a time: so it is
    /// left for the event's. A new process group takes Ctrl+Break for itself; Ctrl+C and the others
    /// reach it as that too.
    pub(in super::super) fn signal(&self, event: ControlEvent) -> Result<bool, ErrorKind> {
        static CONSOLE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        if self.has_ended() {
            return Ok(false);
        }
        let _console = CONSOLE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pid = self.0.pid.0;
        // SAFETY: no pointers.
        let (sent, error) = unsafe {
            FreeConsole();
            let sent =
                AttachConsole(pid) != 0 && GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, pid) != 0;
            let error = io::Error::last_os_error();
            FreeConsole();
            (sent, error)
        };
        if sent || self.has_ended() {
            return Ok(sent);
        }
        Err(ErrorKind::io(format!("send {event:?} to a process"), error))
    }
}

const STILL_ACTIVE: u32 = 259;

fn code_of(process: &OwnedHandle) -> u32 {
    let mut code = STILL_ACTIVE;
    // SAFETY: the handle is open, and the code has a place.
    unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut code) };
    code
}

fn wait(process: &OwnedHandle) -> ExitCode {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(process.as_raw_handle(), INFINITE) };
    ExitCode(code_of(process))
}
