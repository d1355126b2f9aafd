//! Runs one process in a container of its own, on layers and a scratch.
//!
//! ```text
//! begin --> scratch --> network --> acquire, create --> start, spawn --> exit
//!   |                                                                     |
//!   +---- give_back, on every path: system, what was held, namespace -----+--> Finished (scratch)
//! ```
//!
//! What was killed half way is found by [`Executor::sweep`]: each run keeps a lock on its folder.

mod container;
mod error;
mod place;
mod sweep;

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use resources::Host;
use tokio::sync::watch;

pub use error::RunError;

use container::Container;
pub(crate) use place::Place;

/// How the names of folders begin in which files are put together, and nothing runs.
pub(crate) const FILES: &str = "files-";

/// Runs processes.
#[derive(Debug, Clone)]
pub struct Executor<E, H> {
    /// What runs compute systems.
    pub engine: E,
    /// What they stand on.
    pub host: H,
    /// Where runs keep their scratches.
    pub folder: PathBuf,
}

/// What is run, and how.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// Program and arguments; or
    pub args: Vec<String>,
    /// a raw command line, which wins.
    pub command_line: String,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Where it starts, a Windows path.
    pub cwd: String,
    /// Who runs it; empty is the default account.
    pub user: String,
    /// Its network.
    pub network: NetMode,
    /// Exit codes that mean success; 0 when there are none.
    pub valid_exit_codes: Vec<u32>,
}

/// The network of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NetMode {
    /// The network `nat`.
    #[default]
    Default,
    /// Nothing but loopback.
    None,
}

/// Takes what a process writes.
pub trait Output: Send + Sync + 'static {
    /// Some bytes of its stdout, or of its stderr.
    fn write(&self, stderr: bool, bytes: &[u8]);
}

/// A run that came to its end: its scratch, until it is given up.
#[derive(Debug)]
#[must_use = "a scratch stays until `discard`"]
pub struct Finished {
    place: Place,
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
}

impl<E: Engine, H: Host> Executor<E, H> {
    /// Runs a process to its end. When `cancel` becomes true it is killed. Whatever comes of it,
    /// nothing but the scratch of a success is left.
    pub async fn run(
        &self,
        layers: &[PathBuf],
        meta: &Meta,
        output: Arc<dyn Output>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Finished, RunError> {
        let mut container = Container::begin(self, layers)?;
        let done = container.life(meta, output, cancel).await;
        let given_back = container.give_back().await;
        match done.and(given_back) {
            Ok(()) => Ok(container.finish()),
            Err(error) => {
                let finished = container.finish();
                if let Err(leak) = self.discard(finished).await {
                    tracing::error!(error = %leak, "a scratch was not removed");
                }
                Err(error)
            }
        }
    }

    /// Removes the scratch of a run.
    pub async fn discard(&self, finished: Finished) -> Result<(), RunError> {
        self.remove(finished.place).await
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
