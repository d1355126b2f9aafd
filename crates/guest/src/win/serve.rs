//! Serving requests: reads one after the other, answers each, reports exits.
//!
//! What may take long has a thread of its own: the wait for each process, and the wait for all of
//! them at the end.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schema::guest::{
    Answer, CONTROL_FD, Call, Event, Failure, Message, REGISTRY_IS_WRITTEN, Request,
};
use schema::process::ControlEvent;
use windows_sys::Win32::System::Threading::{GetExitCodeProcess, INFINITE, WaitForSingleObject};

use super::flush::Changes;
use super::linux::{self, Fd};
use super::reached_pipes::reach;
use super::served_pipes::ServedPipes;
use super::spawn::{Child, spawn};
use super::wire::Wire;
use super::{
    account, boot, console, control, crash, devices, dump, flush, processes, processors, registry,
    services,
};

/// The code of what is still there when a session ends: `ERROR_PROCESS_ABORTED`, as under HCS.
const ABORTED: u32 = 1067;
/// Room for the waiting threads' stacks, which hold next to nothing.
pub(super) const STACK: usize = 64 << 10;

/// A session: the socket and the processes that were started over it.
struct Session {
    wire: Wire,
    /// Volumes and network interfaces can be asked about already.
    devices: bool,
    /// In the registry, since the session was set up; `None` when they cannot be told of.
    changes: Option<Changes>,
    /// By pid. An open handle keeps the pid from being used again before its exit was reported.
    children: Mutex<BTreeMap<u32, Arc<Child>>>,
    /// Pipes that the host answers.
    pipes: Arc<ServedPipes>,
}

/// Serves the socket that the environment names until it is closed.
pub(super) fn serve() -> io::Result<()> {
    crash::tell();
    let wire = Wire::new(control_socket()?);
    console::ignore_events();
    let _event = boot::boot().map_err(io::Error::other)?;
    processors::restore().map_err(io::Error::other)?;
    services::start_on_demand()?;
    wire.report(Event::Ready { version: env!("CARGO_PKG_VERSION").into() })?;
    // What is asked meanwhile waits: the host takes some time from a guest that is ready to a program.
    let session = Arc::new(Session {
        wire,
        devices: devices::serve().is_ok(),
        changes: Changes::watch().ok(),
        children: Mutex::new(BTreeMap::new()),
        pipes: Arc::default(),
    });
    while let Some((request, fds)) = session.wire.next()? {
        session.take(request, fds)?;
    }
    // Nobody is left who could ask for anything.
    control::terminate_all(ABORTED).map_err(io::Error::other)
}

fn control_socket() -> io::Result<Fd> {
    let number = std::env::var(CONTROL_FD)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other(format!("{CONTROL_FD} does not hold a number")))?;
    if !linux::is_beneath() {
        return Err(io::Error::other("this Wine does not let Linux system calls through"));
    }
    Fd::inherited(number)
}

impl Session {
    fn take(self: &Arc<Self>, request: Request, fds: Vec<Fd>) -> io::Result<()> {
        let id = request.id;
        match request.call {
            Call::Spawn(asked) => self.spawn(id, spawn(&asked, fds)),
            Call::Shutdown { grace_ms } => {
                let session = Arc::clone(self);
                in_thread("shutdown", move || session.shut_down(id, grace_ms))
            }
            Call::ServePipe { name } => {
                let session = Arc::clone(self);
                let report = move |name: &str, client| {
                    session.wire.report(Event::PipeClient { name: name.to_owned(), client })
                };
                self.answer(id, self.pipes.serve(name, report).map(|()| Answer::Done))
            }
            Call::ConnectPipe { client, connected } => {
                let connection = fds.into_iter().next().filter(|_| connected);
                self.answer(id, self.pipes.connect(client, connection).map(|()| Answer::Done))
            }
            Call::OpenPipe { name } => {
                let connection = fds.into_iter().next();
                // It waits for its turn at a pipe that is busy.
                in_thread("open pipe", move || {
                    connection.map_or(Ok(()), |connection| reach(&name, connection))
                })?;
                self.answer(id, Ok(Answer::Done))
            }
            // A process that is still being loaded is waited for.
            Call::Signal { pid, event } => {
                let session = Arc::clone(self);
                in_thread("signal", move || session.answer(id, signal(pid, event)))
            }
            other => self.answer(id, answer(other)),
        }
    }

    /// Answers first, and only then watches: an exit never overtakes its start.
    fn spawn(self: &Arc<Self>, id: u64, started: Result<Child, Failure>) -> io::Result<()> {
        let child = match started {
            Ok(child) => Arc::new(child),
            Err(failure) => return self.answer(id, Err(failure)),
        };
        let pid = child.pid;
        self.children().insert(pid, Arc::clone(&child));
        self.answer(id, Ok(Answer::Spawned { pid }))?;
        if !self.devices {
            let session = Arc::clone(self);
            services::expect_need(move || !session.children().is_empty());
        }
        let session = Arc::clone(self);
        in_thread("wait", move || session.watch(&child))
    }

    fn watch(&self, child: &Child) -> io::Result<()> {
        let exit_code = child.wait();
        child.streams.drain();
        let sent = self.wire.report(Event::Exited { pid: child.pid, exit_code });
        self.children().remove(&child.pid);
        sent
    }

    fn shut_down(&self, id: u64, grace_ms: u64) -> io::Result<()> {
        let ended = end_all(Duration::from_millis(grace_ms));
        // Every exit is told before the end is.
        while !self.children().is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let written = self.changes.as_ref().is_some_and(Changes::settle);
        self.answer(id, ended.map(|()| Answer::Done))?;
        // Pid 1 follows, and has Wine's server write the registry.
        std::process::exit(if written { REGISTRY_IS_WRITTEN } else { 0 })
    }

    fn answer(&self, id: u64, result: Result<Answer, Failure>) -> io::Result<()> {
        self.wire.send(&Message::Reply { id, result })
    }

    fn children(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Child>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(call: Call) -> Result<Answer, Failure> {
    let done = |()| Answer::Done;
    match call {
        Call::Terminate { pid: Some(pid), exit_code } => {
            control::terminate(pid, exit_code).map(done)
        }
        Call::Terminate { pid: None, exit_code } => control::terminate_all(exit_code).map(done),
        Call::Resize { pid: _, height, width } => console::resize(height, width).map(done),
        Call::Processes => processes::list().map(|processes| Answer::Processes { processes }),
        Call::ResolveUser { name } => account::resolve(&name).map(Answer::User),
        Call::Registry { delete_keys, add_values } => {
            registry::change(&delete_keys, &add_values)?;
            dump::arm().map(done)
        }
        Call::FlushRegistry => flush::flush().map(done),
        Call::Disperse => processors::disperse().map(done),
        Call::Spawn(_)
        | Call::Shutdown { .. }
        | Call::Signal { .. }
        | Call::ServePipe { .. }
        | Call::OpenPipe { .. }
        | Call::ConnectPipe { .. } => {
            unreachable!("taken by the session itself")
        }
    }
}

fn signal(pid: Option<u32>, event: ControlEvent) -> Result<Answer, Failure> {
    match pid {
        Some(pid) => control::signal(pid, event),
        None => control::signal_all(event),
    }
    .map(|()| Answer::Done)
}

/// Asks every process to end, waits, and ends those that stay.
///
/// Where some do, whoever asked may lose patience before `grace` is over, and end the session from
/// outside with what Wine's server has not yet written. So the registry is written while they stay.
fn end_all(grace: Duration) -> Result<(), Failure> {
    const PROMPTLY: Duration = Duration::from_millis(250);
    control::signal_all(ControlEvent::CtrlShutdown)?;
    let at_once = PROMPTLY.min(grace);
    if control::wait_for_all(at_once)? {
        return Ok(());
    }
    let flushed = flush::flush();
    if !control::wait_for_all(grace.saturating_sub(at_once))? {
        control::terminate_all(ABORTED)?;
    }
    flushed
}

impl Child {
    /// Waits for its end; all 32 bits of its exit code.
    pub(super) fn wait(&self) -> u32 {
        let mut code = 0;
        // SAFETY: the handle is open for both.
        unsafe {
            WaitForSingleObject(self.process.raw(), INFINITE);
            GetExitCodeProcess(self.process.raw(), &raw mut code);
        }
        code
    }
}

/// Does something slow aside. A socket that broke ends the session at its next read.
fn in_thread(name: &str, act: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    thread.spawn(move || drop(act())).map(drop)
}
