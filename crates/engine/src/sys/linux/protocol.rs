//! What a client and a silo host say to each other over the control socket.
//!
//! A connection carries one request at a time and its answer; [`Request::Events`] is answered by a
//! stream that ends when the system does. Both ends are the same build: the file is not an
//! interface for others.

use std::io;
use std::time::Duration;

use schema::guest::Failure;
use schema::modify::ModifyRequest;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType};
use schema::{ConsoleSize, ExitCode, SystemId};
use serde::{Deserialize, Serialize};

use super::plan::SiloPlan;
use crate::error::ErrorKind;
use crate::system::{ExitKind, SystemExit};

/// The first frame on a silo host's standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// The system's id.
    pub(crate) id: SystemId,
    /// Where silo hosts keep their state.
    pub(crate) silos: std::path::PathBuf,
    /// What to build.
    pub(crate) plan: SiloPlan,
}

/// The second and last frame there: whoever ordered the system has it. Until then nobody knows of
/// it, and it ends when the connection does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Taken;

/// What a client asks of a silo host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Request {
    Start,
    Shutdown,
    Terminate,
    Pause,
    Resume,
    Modify(ModifyRequest),
    Properties(Vec<PropertyType>),
    Spawn(ProcessParameters),
    /// Answered when the system has ended.
    WaitSystem,
    /// Answered when the process has ended.
    WaitProcess {
        pid: u32,
    },
    Signal {
        pid: u32,
        event: ControlEvent,
    },
    Kill {
        pid: u32,
        code: ExitCode,
    },
    Resize {
        pid: u32,
        size: ConsoleSize,
    },
    /// Answered by [`Answer::OutOfMemory`], each time it happens.
    Events,
}

/// What a silo host answers.
pub(crate) type Reply = Result<Answer, Refusal>;

/// A success.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done,
    /// Whether there was something left to do it to.
    Delivered(bool),
    Properties(Box<Properties>),
    /// Descriptors beside it: the streams that are `true`, or a console's master alone.
    Spawned {
        pid: u32,
        console: bool,
        stdin: bool,
        stdout: bool,
        stderr: bool,
    },
    Exited(ExitCode),
    SystemExited(Exit),
    OutOfMemory,
}

/// A [`SystemExit`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) kind: Ending,
    pub(crate) out_of_memory: bool,
}

/// An [`ExitKind`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Graceful,
    Forced,
    Unexpected,
}

impl From<Exit> for SystemExit {
    fn from(exit: Exit) -> Self {
        let kind = match exit.kind {
            Ending::Graceful => ExitKind::Graceful,
            Ending::Forced => ExitKind::Forced,
            Ending::Unexpected => ExitKind::Unexpected,
        };
        Self { kind, out_of_memory: exit.out_of_memory }
    }
}

/// An [`ErrorKind`] on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Refusal {
    NoSuchSystem,
    NoSuchProcess,
    AlreadyExists,
    AlreadyStopped,
    InvalidState(StateName),
    InvalidDocument { field: String, value: String, rule: String },
    Unsupported { what: String, why: String },
    HostLacks { what: String, mend: String },
    Guest(Failure),
    GuestGone,
    Stillborn(String),
    Late { what: String, seconds: u64 },
    Io { what: String, errno: Option<i32>, text: String },
}

/// A state that refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StateName {
    Created,
    Running,
    Paused,
    Ending,
}

impl StateName {
    /// The state in a sentence.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Created => "created and not started",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ending => "shutting down",
        }
    }
}

/// What else than an answer of the guest may be late.
const LATE: [&str; 3] = ["the guest's start", "wineserver's socket", "freezing every process"];

/// What did not answer, as [`ErrorKind::Disconnected`] and [`ErrorKind::TimedOut`] name it.
pub(crate) const GUEST: &str = "the guest";

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound("process") => Self::NoSuchProcess,
            ErrorKind::NotFound(_) => Self::NoSuchSystem,
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            ErrorKind::AlreadyStopped => Self::AlreadyStopped,
            ErrorKind::InvalidState { state } => {
                let all =
                    [StateName::Created, StateName::Running, StateName::Paused, StateName::Ending];
                let named = all.into_iter().find(|name| name.text() == state);
                Self::InvalidState(named.unwrap_or(StateName::Ending))
            }
            ErrorKind::InvalidDocument { field, value, rule } => {
                Self::InvalidDocument { field, value, rule }
            }
            ErrorKind::Unsupported { what, why } => Self::Unsupported { what, why },
            ErrorKind::HostLacks { what, mend } => Self::HostLacks { what, mend },
            ErrorKind::Guest(failure) => Self::Guest(failure),
            ErrorKind::Disconnected(_) => Self::GuestGone,
            ErrorKind::Stillborn(how) => Self::Stillborn(how),
            ErrorKind::TimedOut { what, after } => {
                Self::Late { what: what.to_owned(), seconds: after.as_secs() }
            }
            ErrorKind::Io { what, source } => {
                Self::Io { what, errno: source.raw_os_error(), text: source.to_string() }
            }
        }
    }
}

impl From<Refusal> for ErrorKind {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchSystem => Self::NotFound("compute system"),
            Refusal::NoSuchProcess => Self::NotFound("process"),
            Refusal::AlreadyExists => Self::AlreadyExists,
            Refusal::AlreadyStopped => Self::AlreadyStopped,
            Refusal::InvalidState(state) => Self::InvalidState { state: state.text() },
            Refusal::InvalidDocument { field, value, rule } => {
                Self::InvalidDocument { field, value, rule }
            }
            Refusal::Unsupported { what, why } => Self::Unsupported { what, why },
            Refusal::HostLacks { what, mend } => Self::HostLacks { what, mend },
            Refusal::Guest(failure) => Self::Guest(failure),
            Refusal::GuestGone => Self::Disconnected(GUEST),
            Refusal::Stillborn(how) => Self::Stillborn(how),
            Refusal::Late { what, seconds } => {
                let after = Duration::from_secs(seconds);
                let known = LATE.into_iter().find(|known| *known == what);
                Self::TimedOut { what: known.unwrap_or("the guest's answer"), after }
            }
            Refusal::Io { what, errno, text } => {
                let known = errno.map(io::Error::from_raw_os_error);
                Self::io(what, known.unwrap_or_else(|| io::Error::other(text)))
            }
        }
    }
}
