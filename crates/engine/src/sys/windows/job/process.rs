//! A process in a job.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schema::process::ControlEvent;
use schema::{ConsoleSize, ExitCode, Pid};
use tokio::sync::watch;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, INFINITE, OpenProcess, PROCESS_QUERY_INFORMATION, PROCESS_SYNCHRONIZE,
    PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

use super::console::Console;
use super::launch::Started;
use super::object::Job;
use super::signal;
use crate::error::ErrorKind;

/// A handle to a process in a job.
#[derive(Debug, Clone)]
pub(in super::super) struct JobProcess(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pid: Pid,
    process: Slot,
    screen: Screen,
    exit: watch::Receiver<Option<ExitCode>>,
}

/// The handle, until the process has ended: Wine keeps a job's name for as long as somebody holds one
/// of its processes.
type Slot = Arc<Mutex<Option<OwnedHandle>>>;

/// The console of one that has one, until the process has ended.
#[derive(Debug, Clone)]
enum Screen {
    None,
    Of(Arc<Mutex<Option<Console>>>),
}

impl Screen {
    fn new(console: Option<Console>) -> Self {
        console.map_or(Self::None, |console| Self::Of(Arc::new(Mutex::new(Some(console)))))
    }

    /// Whoever reads from it then comes to the end. Waits until that has read all.
    fn close(&self) {
        if let Self::Of(console) = self {
            let console = locked(console).take();
            drop(console);
        }
    }

    fn resize(&self, size: ConsoleSize) -> Result<(), ErrorKind> {
        let Self::Of(console) = self else {
            return Err(ErrorKind::InvalidState { state: "without a console" });
        };
        locked(console).as_ref().ok_or(ErrorKind::AlreadyStopped)?.resize(size)
    }
}

fn locked<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobProcess {
    /// Watches one that was just started; one that cannot be watched is ended.
    pub(super) fn watch_new(started: Started) -> Result<Self, ErrorKind> {
        let process = Arc::new(Mutex::new(Some(started.process)));
        let screen = Screen::new(started.console);
        Self::watch(Arc::clone(&process), screen, started.pid).inspect_err(|_| {
            if let Some(process) = locked(&process).as_ref() {
                // Why it could not be watched tells more than why it could not be ended.
                drop(end(process, ExitCode(1)));
            }
        })
    }

    /// Watches it from a thread of its own: what waits for a program must not keep others waiting.
    fn watch(process: Slot, screen: Screen, pid: Pid) -> Result<Self, ErrorKind> {
        let (tell, exit) = watch::channel(None);
        let watching = |error| ErrorKind::io("watch a process", error);
        let watched = locked(&process).as_ref().map(OwnedHandle::try_clone);
        let watched = watched.expect("it is there until it is watched").map_err(watching)?;
        let (slot, shown) = (Arc::clone(&process), screen.clone());
        let thread = std::thread::Builder::new().name("job process".into()).stack_size(64 << 10);
        let waiting = thread.spawn(move || {
            let code = wait(&watched);
            drop((watched, locked(&slot).take()));
            // Whoever asked may have gone.
            tell.send(Some(code)).ok();
            // Last: nobody may be reading what it still shows.
            shown.close();
        });
        waiting.map_err(watching)?;
        Ok(Self(Arc::new(Inner { pid, process, screen, exit })))
    }

    /// One in a job that somebody else started; nothing when it is not there any more.
    pub(super) fn open(job: &Job, pid: Pid) -> Option<Self> {
        // Limited information is enough for Windows to tell its job, and not for Wine.
        let access = PROCESS_SYNCHRONIZE | PROCESS_QUERY_INFORMATION | PROCESS_TERMINATE;
        // SAFETY: no pointers.
        let process = unsafe { OpenProcess(access, 0, pid.0) };
        if process.is_null() {
            return None;
        }
        // SAFETY: the handle is new and nobody else's.
        let process = unsafe { OwnedHandle::from_raw_handle(process) };
        let process = Some(process).filter(|process| job.holds(process))?;
        Self::watch(Arc::new(Mutex::new(Some(process))), Screen::None, pid).ok()
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
        self.on_handle("end a process", |process| end(process, code))
    }

    /// Delivers a control event. `false` when it has already ended.
    pub(in super::super) fn signal(&self, event: ControlEvent) -> Result<bool, ErrorKind> {
        self.on_handle("signal a process", |process| signal::send(process, event))
    }

    /// Resizes its console. Only whoever started it has that.
    pub(in super::super) async fn resize(&self, size: ConsoleSize) -> Result<(), ErrorKind> {
        let screen = self.0.screen.clone();
        super::beside(move || screen.resize(size)).await
    }

    /// Does it while the process is there; a failure over its end is its end.
    fn on_handle(
        &self,
        what: &str,
        work: impl FnOnce(&OwnedHandle) -> io::Result<()>,
    ) -> Result<bool, ErrorKind> {
        let slot = locked(&self.0.process);
        let Some(process) = slot.as_ref().filter(|process| !is_over(process)) else {
            return Ok(false);
        };
        match work(process) {
            Ok(()) => Ok(true),
            Err(_) if is_over(process) => Ok(false),
            Err(error) => Err(ErrorKind::io(what, error)),
        }
    }
}

/// A process that nobody has been told of: it is ended with this.
#[derive(Debug)]
pub(super) struct Unclaimed(Option<JobProcess>);

impl Unclaimed {
    pub(super) fn new(process: JobProcess) -> Self {
        Self(Some(process))
    }

    pub(super) fn get(&self) -> &JobProcess {
        self.0.as_ref().expect("it is not claimed yet")
    }

    pub(super) fn claim(mut self) -> JobProcess {
        self.0.take().expect("it is claimed once")
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            // Nobody is there to be told that it could not be.
            drop(process.terminate(ExitCode(1)));
        }
    }
}

fn end(process: &OwnedHandle, code: ExitCode) -> io::Result<()> {
    // SAFETY: the handle is open.
    let done = unsafe { TerminateProcess(process.as_raw_handle(), code.0) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn is_over(process: &OwnedHandle) -> bool {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(process.as_raw_handle(), 0) == 0 }
}

fn wait(process: &OwnedHandle) -> ExitCode {
    let mut code = ExitCode::UNKNOWN.0;
    // SAFETY: the handle is open, and the code has a place.
    unsafe {
        WaitForSingleObject(process.as_raw_handle(), INFINITE);
        GetExitCodeProcess(process.as_raw_handle(), &raw mut code);
    }
    ExitCode(code)
}
