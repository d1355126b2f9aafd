//! What goes to a shim and comes back, in Transom's own words.

use std::time::{Duration, SystemTime};

use protobuf::well_known_types::timestamp::Timestamp;
use schema::{ExitCode, Pid};

use crate::proto::ProcessDetails;

/// The upstream ends of a process' streams: names of pipes (FIFOs), `binary://` or `file://`.
/// Empty is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stdio {
    /// Read by the shim until its end.
    pub stdin: String,
    /// Written by the shim.
    pub stdout: String,
    /// Written by the shim; must be empty with a terminal.
    pub stderr: String,
    /// Give the process a console.
    pub terminal: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// All 32 bits.
    pub code: ExitCode,
    /// When.
    pub at: SystemTime,
    /// Which pid it had; 0 when it never ran. `wait` does not tell it.
    pub pid: Pid,
}

/// Where a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Made and not started.
    Created,
    /// It runs.
    Running,
    /// Frozen.
    Paused,
    /// It has ended.
    Stopped,
}

/// A process' state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Its pid; 0 before it runs.
    pub pid: Pid,
    /// Once it has ended.
    pub exit: Option<Exit>,
    /// The streams that it was made with.
    pub stdio: Stdio,
}

/// One process of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its Windows pid.
    pub pid: u32,
    /// The exec that it belongs to: the task's id for the first process, empty for others.
    pub exec_id: String,
    /// The program's file name.
    pub image_name: String,
    /// When it was created.
    pub created: Option<SystemTime>,
    /// Kernel time.
    pub kernel_time: Duration,
    /// User time.
    pub user_time: Duration,
    /// Committed bytes.
    pub memory_commit: u64,
    /// Bytes in memory, its own.
    pub working_set_private: u64,
    /// Bytes in memory, shared.
    pub working_set_shared: u64,
}

impl From<ProcessDetails> for ProcessInfo {
    fn from(details: ProcessDetails) -> Self {
        Self {
            pid: details.process_id,
            exec_id: details.exec_id,
            image_name: details.image_name,
            created: details.created_at.as_ref().and_then(time),
            kernel_time: Duration::from_nanos(details.kernel_time_100_ns.saturating_mul(100)),
            user_time: Duration::from_nanos(details.user_time_100_ns.saturating_mul(100)),
            memory_commit: details.memory_commit_bytes,
            working_set_private: details.memory_working_set_private_bytes,
            working_set_shared: details.memory_working_set_shared_bytes,
        }
    }
}

/// A timestamp as a time; `None` for one before 1970, such as Go's zero time.
pub(super) fn time(stamp: &Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(stamp.seconds).ok()?;
    let nanos = u32::try_from(stamp.nanos).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

pub(super) fn exit(code: u32, at: Option<&Timestamp>, pid: u32) -> Exit {
    Exit {
        code: ExitCode(code),
        at: at.and_then(time).unwrap_or(SystemTime::UNIX_EPOCH),
        pid: Pid(pid),
    }
}
