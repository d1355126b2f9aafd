//! Runs processes in containers: one that makes a container and takes it with it, and any number
//! beside it.
//!
//! ```text
//! begin --> network --> acquire (scratch) --> create --> start, spawn --> exit
//!   |                                              | up: exec may run more |
//!   +---- give_back, on every path: system, what was held, namespace -------+--> Finished (scratch)
//! ```
//!
//! `container` holds a container's state and is told step by step what to do, `process` is the life
//! of one process, `running` tells which containers there are, `usage` what they used, `stubs` what
//! mounting left in the scratch. What differs by platform is behind `engine`'s traits. What was
//! killed half way is found by [`Executor::sweep`]: each run keeps a lock on its folder.

mod container;
mod drive;
mod error;
mod id;
mod meta;
mod place;
mod process;
mod running;
mod stubs;
mod sweep;
#[cfg(test)]
mod tests;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Engine;
use resources::Host;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use error::RunError;
pub use id::RunId;
pub use meta::{HostAddress, Meta, Mount, NetMode, Output, Process, Signal, Source};
pub use running::Started;
pub use usage::Usage;

use container::{Container, Scratch};
pub(crate) use place::Place;
pub(crate) use process::asked;
use running::{Phase, Running, Up};

/// How the names of folders begin in which files are put together, and nothing runs.
pub(crate) const FILES: &str = "files-";

/// Runs processes.
#[derive(Clone)]
pub struct Executor<E: Engine, H> {
    engine: E,
    host: Arc<H>,
    folder: PathBuf,
    drive: PathBuf,
    running: Running<E::System>,
}

impl<E: Engine, H> std::fmt::Debug for Executor<E, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("folder", &self.folder)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

/// A container and its first process.
#[derive(Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The folders of its layers, the nearest first.
    pub layers: Vec<PathBuf>,
    /// What of the host is in it.
    pub mounts: Vec<Mount>,
    /// The process.
    pub process: Process,
    /// Fired once, when it has been started or never will be.
    pub started: Started,
}

impl Run {
    /// A process on layers, under an id of its own.
    pub fn new(layers: Vec<PathBuf>, process: Process) -> Self {
        let id = RunId::random();
        Self { id, layers, mounts: Vec::new(), process, started: Started::default() }
    }
}

/// A network that is being given back.
type Leaving = JoinHandle<engine::Result<()>>;

/// A run that came to its end: its scratch, until it is given up.
#[derive(Debug)]
#[must_use = "a scratch stays until `discard`"]
pub struct Finished {
    place: Place,
    usage: Usage,
    leaving: Option<Leaving>,
}

impl Finished {
    /// The upper directory of its overlay.
    pub fn upper(&self) -> PathBuf {
        self.place.path.join("scratch/upper")
    }

    /// Its registry, in Wine's files.
    pub fn registry(&self) -> PathBuf {
        self.place.path.join("scratch/prefix")
    }

    /// What it used.
    pub fn usage(&self) -> Usage {
        self.usage
    }
}

impl<E: Engine, H: Host> Executor<E, H> {
    /// One that keeps scratches in `folder`; `drive` is the platform's.
    pub fn new(engine: E, host: H, folder: PathBuf, drive: PathBuf) -> Self {
        Self { engine, host: Arc::new(host), folder, drive, running: Running::default() }
    }

    /// Where scratches are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a process to its end. When `cancel` becomes true it is killed. Whatever comes of it,
    /// nothing but the scratch of a success is left, and its network, which goes until `discard`.
    pub async fn run(&self, run: Run, cancel: watch::Receiver<bool>) -> Result<Finished, RunError> {
        let Run { id, layers, mounts, process, mut started } = run;
        let entry = self.running.begin(&id)?;
        let mut container = Container::begin(self, &id, layers, mounts)?;
        let done = container.life(process, &mut started, &entry, cancel).await;
        entry.ending().await;
        let needed = if done.is_ok() { Scratch::Kept } else { Scratch::Discarded };
        let given_back = container.give_back(needed).await;
        let finished = container.finish();
        tracing::debug!(run = %id, usage = ?finished.usage, "a run has ended");
        let outcome = match done.and(given_back) {
            Ok(()) => Ok(finished),
            Err(error) => {
                if let Err(leak) = self.discard(finished).await {
                    tracing::error!(error = %leak, "a scratch was not removed");
                }
                Err(error)
            }
        };
        entry.over(outcome.as_ref().err().map(ToString::to_string));
        outcome
    }

    /// Runs one more process in the container of a run, waiting for it to be up. It ends with the
    /// container.
    pub async fn exec(
        &self,
        id: &RunId,
        process: Process,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<(), RunError> {
        let mut phase = self.running.follow(id).ok_or_else(|| RunError::NotFound(id.clone()))?;
        let up = tokio::select! {
            up = up(id, &mut phase) => up?,
            () = process::asked(&mut cancel) => return Err(RunError::NotStarted),
        };
        let mut spec = process.to_spec();
        if spec.user.username.is_empty() {
            spec.user = up.process.user;
        }
        if spec.cwd.is_empty() {
            spec.cwd = up.process.cwd;
        }
        if spec.env.is_empty() {
            spec.env = up.process.env;
        }
        let parameters = plan::process_parameters(&spec, process.streams());
        let mut nobody = Started::default();
        let over = async {
            tokio::select! {
                () = process::asked(&mut cancel) => {}
                () = running::no_longer_up(&mut phase) => {}
            }
        };
        process::run(&up.system, &parameters, process, &mut nobody, over).await
    }

    /// Removes the scratch of a run, and sees to it that its network is gone.
    pub async fn discard(&self, finished: Finished) -> Result<(), RunError> {
        let Finished { place, leaving, .. } = finished;
        let left = match leaving {
            Some(leaving) => leaving.await.expect("deleting a namespace does not panic"),
            None => Ok(()),
        };
        let removed = self.remove(place).await;
        left.map_err(RunError::from).and(removed)
    }

    async fn remove(&self, place: Place) -> Result<(), RunError> {
        self.host.destroy_scratch(&place.path.join("scratch")).await?;
        let path = place.path.clone();
        tokio::task::spawn_blocking(move || place.remove())
            .await
            .expect("removing files does not panic")
            .map_err(|source| RunError::Io { path, source })
    }
}

/// Waits until a run's container is up, or never will be.
async fn up<S: Clone>(
    id: &RunId,
    phase: &mut watch::Receiver<Phase<S>>,
) -> Result<Up<S>, RunError> {
    let settled = phase.wait_for(|phase| !matches!(phase, Phase::Preparing)).await;
    match settled.as_deref() {
        Ok(Phase::Up(up)) => Ok(up.clone()),
        Ok(Phase::Over(Some(why))) => Err(RunError::Failed { id: id.clone(), why: why.clone() }),
        Ok(Phase::Ending | Phase::Over(None) | Phase::Preparing) | Err(_) => {
            Err(RunError::Stopped(id.clone()))
        }
    }
}
