//! What became of a container.

use engine::network::Endpoint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::Health;

/// What became of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where it is in its life.
    pub status: Status,
    /// The first process, as Windows counts; 0 when none runs.
    pub pid: u32,
    /// All 32 bits of the last run.
    pub exit_code: u32,
    /// The last run hit its memory limit.
    pub oom_killed: bool,
    /// What went wrong beside the process itself.
    pub error: String,
    /// When the last run began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Runs that the restart policy began.
    pub restart_count: u32,
    /// The user stopped it, so that no policy starts it again.
    pub stopped_by_user: bool,
    /// Where it is connected while it runs.
    pub endpoints: Vec<Endpoint>,
    /// The namespace that it is connected by.
    pub namespace: Option<String>,
    /// What its health checks have told, if it has any.
    pub health: Option<Health>,
    /// Where its shim listens while it runs.
    pub shim: Option<String>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made, and never started with success.
    #[default]
    Created,
    /// It runs.
    Running,
    /// Frozen.
    Paused,
    /// It has ended and will be started again.
    Restarting,
    /// It has ended.
    Exited,
    /// It could not be given back; only `rm -f` helps.
    Dead,
}

impl Status {
    /// As docker writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Its first process exists.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// It runs or will soon.
    pub fn is_active(self) -> bool {
        self.is_running() || self == Self::Restarting
    }
}
