//! Errors: what was being done, to what, and why it failed.

use std::io;

use schema::guest::Failure;

/// What an engine returns.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Creating a compute system.
    Create,
    /// Opening one by id.
    Open,
    /// Listing them.
    List,
    /// Starting one.
    Start,
    /// Asking one to shut down.
    Shutdown,
    /// Ending one.
    Terminate,
    /// Freezing one.
    Pause,
    /// Thawing one.
    Resume,
    /// Changing one.
    Modify,
    /// Asking for properties.
    Properties,
    /// Waiting for one to end.
    Wait,
    /// Starting a process in one.
    Spawn,
    /// Opening a process in one.
    OpenProcess,
    /// Signalling a process.
    Signal,
    /// Ending a process.
    Kill,
    /// Resizing a process' console.
    Resize,
    /// Preparing or mounting layers and scratch.
    Storage,
    /// Working on a network namespace or an endpoint.
    Network,
    /// Working on a credential guard instance.
    Credentials,
}

impl std::fmt::Display for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::List => "list",
            Self::Start => "start",
            Self::Shutdown => "shut down",
            Self::Terminate => "terminate",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Modify => "modify",
            Self::Properties => "query",
            Self::Wait => "wait for",
            Self::Spawn => "start a process in",
            Self::OpenProcess => "open a process of",
            Self::Signal => "signal a process of",
            Self::Kill => "end a process of",
            Self::Resize => "resize a console of",
            Self::Storage => "prepare the storage of",
            Self::Network => "connect",
            Self::Credentials => "hand credentials to",
        })
    }
}

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {op} `{id}`")]
pub struct EngineError {
    /// What was being done.
    pub op: Op,
    /// To which compute system, scratch or namespace.
    pub id: String,
    /// Why it failed.
    #[source]
    pub kind: ErrorKind,
}

impl EngineError {
    /// An error of `op` on `id`.
    #[expect(clippy::needless_pass_by_value, reason = "an id or a name, borrowed or not")]
    pub fn new(op: Op, id: impl ToString, kind: impl Into<ErrorKind>) -> Self {
        Self { op, id: id.to_string(), kind: kind.into() }
    }
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// No such compute system or process (HCS `0xC037010E`, `0x490`).
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The id is taken (HCS `0xC037010F`).
    #[error("the id is in use")]
    AlreadyExists,
    /// It has ended (HCS `0xC0370110`, `0x8037011F`).
    #[error("it has already stopped")]
    AlreadyStopped,
    /// Not in this state (HCS `0xC0370105`).
    #[error("it is {state}, which does not allow this")]
    InvalidState {
        /// The state that it is in.
        state: &'static str,
    },
    /// A field of a document is wrong; nothing was done.
    #[error("document field `{field}`: {rule} (got `{value}`)")]
    InvalidDocument {
        /// The field's path.
        field: String,
        /// Its value.
        value: String,
        /// What it breaks.
        rule: String,
    },
    /// This engine cannot do what a document asks for; nothing was done.
    #[error("{what} is not supported here: {why}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// Why not, and what would.
        why: String,
    },
    /// The host lacks something; the text says how to mend it.
    #[error("{what}: {mend}")]
    HostLacks {
        /// What is missing.
        what: String,
        /// How to mend it.
        mend: String,
    },
    /// A process could not be started, or a guest request failed, for a Windows reason.
    #[error(transparent)]
    Guest(#[from] Failure),
    /// The part that should answer went away.
    #[error("lost contact with {0}")]
    Disconnected(&'static str),
    /// Wine ended while it started: how, and what it said.
    #[error("Wine ended while it started: {0}")]
    Stillborn(String),
    /// Something took too long.
    #[error("{what} did not happen within {after:?}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: std::time::Duration,
    },
    /// A system call failed.
    #[error("{what}")]
    Io {
        /// What was being done, to what.
        what: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl ErrorKind {
    /// An I/O error with what was being done.
    pub fn io(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { what: what.into(), source: source.into() }
    }
}
