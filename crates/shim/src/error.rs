//! The service's errors, and the only place that knows ttrpc's codes.

use std::fmt::Write as _;

use lifecycle::Denied;
use ttrpc::Code;

/// A refused or failed request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Refused by a state machine.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The engine failed.
    #[error(transparent)]
    Engine(Box<engine::EngineError>),
    /// The spec cannot be planned.
    #[error(transparent)]
    Plan(Box<plan::PlanError>),
    /// Something could not be acquired.
    #[error(transparent)]
    Acquire(Box<resources::AcquireError>),
    /// A stream could not be connected.
    #[error(transparent)]
    Stdio(Box<crate::stdio::StdioError>),
    /// No such task or process.
    #[error("{0}: not found")]
    NotFound(String),
    /// The id is taken.
    #[error("{0}: already exists")]
    AlreadyExists(String),
    /// The request itself is wrong.
    #[error("{0}: invalid argument")]
    Invalid(String),
    /// Not in this state.
    #[error("{0}: failed precondition")]
    Precondition(String),
    /// Not here.
    #[error("{0}: not implemented")]
    NotImplemented(&'static str),
    /// It took too long.
    #[error("timed out {0}")]
    TimedOut(&'static str),
    /// The shim is about to end.
    #[error("the shim is shutting down")]
    Ending,
    /// Anything that only has words.
    #[error("{0}")]
    Failed(String),
}

/// What the service's own functions return.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn code(&self) -> Code {
        match self {
            Self::Denied(denied) => denied_code(denied),
            Self::Engine(error) => engine_code(&error.kind),
            Self::NotFound(_) => Code::NOT_FOUND,
            Self::AlreadyExists(_) => Code::ALREADY_EXISTS,
            Self::Invalid(_) => Code::INVALID_ARGUMENT,
            Self::Precondition(_) => Code::FAILED_PRECONDITION,
            Self::NotImplemented(_) => Code::UNIMPLEMENTED,
            Self::Ending => Code::UNAVAILABLE,
            Self::Plan(_)
            | Self::Acquire(_)
            | Self::Stdio(_)
            | Self::TimedOut(_)
            | Self::Failed(_) => Code::UNKNOWN,
        }
    }

    /// The container is gone: what asks about it finds nothing.
    pub(crate) fn is_gone(&self) -> bool {
        let Self::Engine(error) = self else { return false };
        matches!(
            error.kind,
            engine::ErrorKind::NotFound(_)
                | engine::ErrorKind::AlreadyStopped
                | engine::ErrorKind::InvalidState { .. }
                | engine::ErrorKind::Disconnected(_)
        )
    }
}

fn denied_code(denied: &Denied) -> Code {
    match denied {
        Denied::NoSuchTask(_) | Denied::NoSuchExec(_) | Denied::AlreadyExited => Code::NOT_FOUND,
        Denied::TaskExists(_) | Denied::ExecExists(_) => Code::ALREADY_EXISTS,
        Denied::AlreadyStarted
        | Denied::StillRuns
        | Denied::TaskNotRunning
        | Denied::NotPaused
        | Denied::PodNotRunning { .. }
        | Denied::InvalidSignal(_)
        | Denied::AllAndExec => Code::FAILED_PRECONDITION,
        Denied::Holder => Code::UNIMPLEMENTED,
    }
}

fn engine_code(kind: &engine::ErrorKind) -> Code {
    match kind {
        engine::ErrorKind::NotFound(_) => Code::NOT_FOUND,
        engine::ErrorKind::AlreadyExists => Code::ALREADY_EXISTS,
        engine::ErrorKind::AlreadyStopped
        | engine::ErrorKind::InvalidState { .. }
        | engine::ErrorKind::InvalidDocument { .. }
        | engine::ErrorKind::Unsupported { .. }
        | engine::ErrorKind::HostLacks { .. }
        | engine::ErrorKind::Guest(_)
        | engine::ErrorKind::Disconnected(_)
        | engine::ErrorKind::Stillborn(_)
        | engine::ErrorKind::TimedOut { .. }
        | engine::ErrorKind::Io { .. } => Code::UNKNOWN,
    }
}

/// The large ones are boxed: every answer carries room for an error.
macro_rules! boxed {
    ($($variant:ident($error:ty)),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        }
    )*};
}

boxed!(
    Engine(engine::EngineError),
    Plan(plan::PlanError),
    Acquire(resources::AcquireError),
    Stdio(crate::stdio::StdioError)
);

impl From<Error> for ttrpc::Error {
    fn from(error: Error) -> Self {
        Self::RpcStatus(ttrpc::get_status(error.code(), words(&error)))
    }
}

/// An error with all its causes on one line.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
