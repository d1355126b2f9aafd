//! Compute systems and the processes in them.

use std::future::Future;
use std::pin::Pin;

use schema::document::ComputeSystem;
use schema::modify::ModifyRequest;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType};
use schema::{ConsoleSize, ExitCode, Pid, SystemId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::Result;

/// Runs compute systems: containers, or the utility VMs that hold them.
///
/// Every implementation passes `conformance`:
/// - `create` is all or nothing: after an `Err` nothing is left behind;
/// - an id that is in use is refused;
/// - a system outlives the handle, and the process, that created it, and any number of handles
///   may be opened by id until it has ended;
/// - a system that has ended is gone from `open` and `list`, and its id can be used again.
pub trait Engine: Send + Sync + 'static {
    /// A handle to a compute system.
    type System: System;

    /// Makes a compute system, not yet started.
    fn create(
        &self,
        id: &SystemId,
        document: &ComputeSystem,
    ) -> impl Future<Output = Result<Self::System>> + Send;

    /// Opens one by id.
    fn open(&self, id: &SystemId) -> impl Future<Output = Result<Self::System>> + Send;

    /// The basic properties of all, or of one owner's, ordered by id.
    fn list(&self, owner: Option<&str>) -> impl Future<Output = Result<Vec<Properties>>> + Send;
}

/// A handle to a compute system. Cloning it opens no second one; dropping it lets the system run on.
pub trait System: Clone + Send + Sync + 'static {
    /// A handle to a process in it.
    type Process: Process;

    /// Its id.
    fn id(&self) -> &SystemId;

    /// Starts it: from here on processes can be created. Refused when not `Created`.
    fn start(&self) -> impl Future<Output = Result<()>> + Send;

    /// Asks what runs inside to end, and returns when that has been asked. A system already gone
    /// is a success. The end shows in [`System::wait`].
    fn shutdown(&self) -> impl Future<Output = Result<()>> + Send;

    /// Ends it and everything inside, and returns when it is gone. May be repeated; a system
    /// already gone is a success.
    fn terminate(&self) -> impl Future<Output = Result<()>> + Send;

    /// Freezes every process. Refused when not running.
    fn pause(&self) -> impl Future<Output = Result<()>> + Send;

    /// Thaws every process. Refused when not paused.
    fn resume(&self) -> impl Future<Output = Result<()>> + Send;

    /// Changes a running system: `Container/Memory/SizeInMB`, `Container/Processor`, ...
    fn modify(&self, request: &ModifyRequest) -> impl Future<Output = Result<()>> + Send;

    /// The basic properties and those asked for.
    fn properties(&self, query: &[PropertyType])
    -> impl Future<Output = Result<Properties>> + Send;

    /// Starts a process. Its streams are those that `parameters` asks for; with a console there is
    /// one stream each way and no stderr. A failure is [`ErrorKind::Guest`](crate::ErrorKind) with
    /// the Windows error, for example 2 when there is no such program.
    fn spawn(
        &self,
        parameters: &ProcessParameters,
    ) -> impl Future<Output = Result<(Self::Process, Stdio)>> + Send;

    /// Waits until it has ended; at once when it has. Never fails: a system that can no longer be
    /// asked has ended unexpectedly.
    fn wait(&self) -> impl Future<Output = SystemExit> + Send;

    /// What happens to it from now on; the channel closes when it has ended.
    fn events(&self) -> impl Future<Output = Result<mpsc::Receiver<SystemEvent>>> + Send;
}

/// A handle to a process. Dropping it lets the process run on.
pub trait Process: Clone + Send + Sync + 'static {
    /// Its pid, as the compute system counts.
    fn pid(&self) -> Pid;

    /// Waits for its end, and gives the same code every time. [`ExitCode::UNKNOWN`] when the
    /// system ended under it.
    fn wait(&self) -> impl Future<Output = ExitCode> + Send;

    /// Delivers a control event. `false` when the process has already ended.
    fn signal(&self, event: ControlEvent) -> impl Future<Output = Result<bool>> + Send;

    /// Ends it. `false` when it has already ended.
    fn terminate(&self, code: ExitCode) -> impl Future<Output = Result<bool>> + Send;

    /// Resizes its console. Refused when it has none.
    fn resize(&self, size: ConsoleSize) -> impl Future<Output = Result<()>> + Send;
}

/// A stream into a process.
pub type Writer = Pin<Box<dyn AsyncWrite + Send>>;
/// A stream out of a process.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// The host's ends of a process' standard streams. Dropping `stdin` is end of file inside.
#[derive(Default)]
pub struct Stdio {
    /// Into the process.
    pub stdin: Option<Writer>,
    /// Out of it; with a console, all that the console shows.
    pub stdout: Option<Reader>,
    /// Out of it.
    pub stderr: Option<Reader>,
}

impl std::fmt::Debug for Stdio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stdio")
            .field("stdin", &self.stdin.is_some())
            .field("stdout", &self.stdout.is_some())
            .field("stderr", &self.stderr.is_some())
            .finish()
    }
}

/// How a compute system ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemExit {
    /// In which way.
    pub kind: ExitKind,
    /// The memory limit was hit at least once during its life.
    pub out_of_memory: bool,
}

/// In which way a compute system ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// It shut down when asked.
    Graceful,
    /// It was terminated.
    Forced,
    /// It crashed, or whoever held it was killed.
    Unexpected,
}

/// What happens to a running compute system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemEvent {
    /// The memory limit was hit and a process was killed for it.
    OutOfMemory,
}
