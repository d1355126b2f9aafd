//! Why a process did not do what it was to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The process ended with a code that is no success.
    #[error("exit code: {0}")]
    Exit(u32),
    /// It was cancelled.
    #[error("canceled")]
    Cancelled,
    /// It was killed and did not end.
    #[error("failed to kill process on cancel: it did not end within {0:?}")]
    Unkillable(Duration),
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
