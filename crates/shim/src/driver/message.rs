//! What comes into a driver's inbox.

use std::time::SystemTime;

use engine::{Stdio, System};
use lifecycle::signals::{Delivery, InvalidSignal};
use lifecycle::{Exit, Report, Status, Which};
use schema::process::ProcessParameters;
use schema::{ConsoleSize, ExecId, Pid};
use tokio::sync::oneshot;

use crate::error::Result;
use crate::events::Receipt;
use crate::stdio::{Ends, Upstream};

/// An answer, and what has to be told to containerd before it is given.
pub(crate) type Answer<T> = (T, Vec<Receipt>);
pub(crate) type Reply<T> = oneshot::Sender<Result<Answer<T>>>;

/// What can be seen of a process.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) bundle: String,
    /// When the task was.
    pub(crate) created: SystemTime,
    pub(crate) status: Status,
    pub(crate) paused: bool,
    pub(crate) ends: Ends,
}

/// An exec whose streams are connected.
pub(crate) struct ExecRequest {
    pub(crate) parameters: ProcessParameters,
    pub(crate) upstream: Upstream,
    pub(crate) ends: Ends,
}

/// A request.
pub(crate) enum Request {
    Start(Which, Reply<Pid>),
    /// Takes the id.
    JoinExec(ExecId, Reply<()>),
    /// Makes the exec, or with `None` gives the id back.
    AddExec(ExecId, Option<Box<ExecRequest>>, Reply<()>),
    Kill(Which, Result<Delivery, InvalidSignal>, bool, Reply<()>),
    Delete(Which, Reply<Exit>),
    Wait(Which, Reply<Exit>),
    Status(Which, Reply<Snapshot>),
    Owners(Vec<Pid>, Reply<Vec<Option<Which>>>),
    Resize(Which, ConsoleSize, Reply<()>),
    CloseIo(Which, Reply<()>),
    /// The execs and where they are.
    Execs(Reply<Vec<(String, Status)>>),
    /// Where everything stands, in words.
    Describe(Reply<String>),
    Pause(Reply<()>),
    Resume(Reply<()>),
}

/// Anything that comes in.
pub(crate) enum Message<S: System> {
    Request(Request),
    Report(Report),
    /// A process was started, or not.
    Spawned(Which, Result<(S::Process, Stdio)>),
    /// The answer to a pause or resume.
    Stilled(bool, Result<()>),
}

/// The time, as the machines are told it.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
