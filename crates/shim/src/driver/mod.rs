//! The driver of one task: one inbox, in which requests and reports meet.
//!
//! `lifecycle` decides; this carries its effects out on an engine and feeds back what happened.
//! Nothing slow is done by the actor itself, so a request is never kept waiting by another.

mod actor;
mod describe;
mod effects;
mod handle;
mod message;
mod publish;
mod requests;
mod teardown;

pub(crate) use actor::Actor;
pub(crate) use handle::TaskHandle;
pub(crate) use message::{ExecRequest, Snapshot};
pub(crate) use publish::TaskEvents;
pub(crate) use teardown::end;

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use plan::HostFacts;
use resources::Held;
use schema::TaskId;
use schema::process::ProcessParameters;

use crate::stdio::{Ends, Upstream};

/// What tasks stand on.
pub(crate) struct World<E, H> {
    pub(crate) engine: E,
    pub(crate) host: H,
    pub(crate) facts: HostFacts,
    /// The folder of what lives until the next boot.
    pub(crate) state: PathBuf,
    pub(crate) namespace: String,
}

impl<E, H> World<E, H> {
    /// Where the ledger of a compute system's resources is.
    pub(crate) fn ledger(&self, id: &TaskId) -> PathBuf {
        crate::roles::ledger(&self.state, &self.namespace, id.as_str())
    }
}

/// A container that was created, and what its first process is to be.
pub(crate) struct Made<E: Engine> {
    pub(crate) id: TaskId,
    pub(crate) bundle: String,
    pub(crate) container: Option<Container<E>>,
    /// What a placeholder holds for its pod.
    pub(crate) held: Option<Held>,
    pub(crate) parameters: ProcessParameters,
    pub(crate) upstream: Upstream,
    pub(crate) ends: Ends,
    /// Its spec came as one for Linux.
    pub(crate) is_linux_shaped: bool,
}

/// The compute system behind a task; a pod's placeholder has none.
pub(crate) struct Container<E: Engine> {
    pub(crate) system: E::System,
    pub(crate) held: Held,
}

/// What all drivers of a shim share.
pub(crate) type Shared<E, H> = Arc<World<E, H>>;
