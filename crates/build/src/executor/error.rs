//! Why a process did not do what it was to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::RunId;
use crate::files::CopyError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An id of no letters.
    #[error("container id must not be empty")]
    EmptyId,
    /// An id that is none.
    #[error("invalid container id \"{0}\": only letters and numbers are allowed")]
    BadId(String),
    /// Two runs of one id.
    #[error("container {0} already exists")]
    InUse(RunId),
    /// No run of this id.
    #[error("container {0} not found")]
    NotFound(RunId),
    /// The run had come to its end.
    #[error("container {0} has stopped")]
    Stopped(RunId),
    /// The run had failed.
    #[error("container {id} has exited with error: {why}")]
    Failed {
        /// Which.
        id: RunId,
        /// Why.
        why: String,
    },
    /// A network that there is none of.
    #[error("unknown network mode {0}: Windows has no host network")]
    Network(&'static str),
    /// A name for the host, where no network leads to it.
    #[error("host {0}: host-gateway: the container has no network with a gateway")]
    NoGateway(String),
    /// The process ended with a code that is no success.
    #[error("exit code: {0}")]
    Exit(u32),
    /// Nobody knows how it ended.
    #[error("failure waiting for process: exit code: {0}")]
    Lost(u32),
    /// It was cancelled, and ended with this code.
    #[error("canceled: exit code: {0}")]
    Cancelled(u32),
    /// It was cancelled before it was started.
    #[error("canceled")]
    NotStarted,
    /// The process was killed and did not end.
    #[error("failed to kill process on cancel: it did not end within {0:?}")]
    Unkillable(Duration),
    /// Its working directory cannot be.
    #[error("failed to create working directory {path}")]
    WorkingDirectory {
        /// As it was asked for.
        path: String,
        /// Why.
        #[source]
        source: CopyError,
    },
    /// What is asked for makes no container.
    #[error(transparent)]
    Plan(Box<plan::PlanError>),
    /// Something could not be acquired.
    #[error(transparent)]
    Acquire(Box<resources::AcquireError>),
    /// Something could not be given back.
    #[error(transparent)]
    Release(Box<resources::ReleaseError>),
    /// The engine failed.
    #[error(transparent)]
    Engine(Box<engine::EngineError>),
    /// A file could not be made or removed.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl RunError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<plan::PlanError> for RunError {
    fn from(error: plan::PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl From<resources::AcquireError> for RunError {
    fn from(error: resources::AcquireError) -> Self {
        Self::Acquire(Box::new(error))
    }
}

impl From<resources::ReleaseError> for RunError {
    fn from(error: resources::ReleaseError) -> Self {
        Self::Release(Box::new(error))
    }
}

impl From<engine::EngineError> for RunError {
    fn from(error: engine::EngineError) -> Self {
        Self::Engine(Box::new(error))
    }
}
