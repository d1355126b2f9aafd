//! Why a request is refused.

use schema::{ExecId, TaskId};

use crate::signals::InvalidSignal;

/// A refused request. Refusing changes nothing, except where a method's doc says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No such task.
    #[error("task `{0}` not found")]
    NoSuchTask(TaskId),
    /// No such exec.
    #[error("exec `{0}` not found")]
    NoSuchExec(ExecId),
    /// The id is taken.
    #[error("task `{0}` already exists")]
    TaskExists(TaskId),
    /// The id is taken.
    #[error("exec `{0}` already exists")]
    ExecExists(ExecId),
    /// It was started before.
    #[error("a process can be started once, and this one has been")]
    AlreadyStarted,
    /// It has ended.
    #[error("the process has already ended")]
    AlreadyExited,
    /// It runs, and must end first.
    #[error("the process still runs")]
    StillRuns,
    /// The task's first process does not run.
    #[error("the task's first process does not run")]
    TaskNotRunning,
    /// The task does not stand still.
    #[error("the task is not paused")]
    NotPaused,
    /// The pod's sandbox does not run.
    #[error("task `{task}` cannot be created in pod `{pod}`, which is not running")]
    PodNotRunning {
        /// The workload.
        task: TaskId,
        /// The pod.
        pod: TaskId,
    },
    /// The guest does not know the signal.
    #[error(transparent)]
    InvalidSignal(InvalidSignal),
    /// Everything was to be signalled, and one exec was named.
    #[error("`all` and an exec id exclude each other")]
    AllAndExec,
    /// A holder has no container: nothing can be run in it.
    #[error("the pod's sandbox is a placeholder without a container")]
    Holder,
}
