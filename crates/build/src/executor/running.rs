//! Which runs there are, for those who want to run something more in their containers.
//!
//! ```text
//! Preparing --> Up (its system, its process) --> Ending --> Over
//!     +------------------------------------------------------^
//! ```
//!
//! While a run is ending, what runs beside its first process is killed before the container is: told
//! to shut down, it could end as if all had gone well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use super::process::PATIENCE;
use super::{RunError, RunId};

/// How far a run is.
#[derive(Debug, Clone)]
pub(super) enum Phase<S> {
    Preparing,
    Up(Up<S>),
    /// The first process has ended.
    Ending,
    /// With why, when it failed.
    Over(Option<String>),
}

/// A container that runs.
#[derive(Debug, Clone)]
pub(super) struct Up<S> {
    pub(super) system: S,
    /// What its first process was started from.
    pub(super) process: plan::oci::Process,
}

type Runs<S> = BTreeMap<RunId, watch::Sender<Phase<S>>>;

/// The runs of an executor.
pub(super) struct Running<S>(Arc<Mutex<Runs<S>>>);

impl<S> Clone for Running<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> std::fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.runs().keys()).finish()
    }
}

impl<S> Default for Running<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S> Running<S> {
    fn runs(&self) -> MutexGuard<'_, Runs<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a run; an id is used by one at a time.
    pub(super) fn begin(&self, id: &RunId) -> Result<Entry<S>, RunError> {
        let mut runs = self.runs();
        if runs.contains_key(id) {
            return Err(RunError::InUse(id.clone()));
        }
        let phase = watch::Sender::new(Phase::Preparing);
        runs.insert(id.clone(), phase.clone());
        Ok(Entry { running: self.clone(), id: id.clone(), phase })
    }

    /// Follows a run.
    pub(super) fn follow(&self, id: &RunId) -> Option<watch::Receiver<Phase<S>>> {
        self.runs().get(id).map(watch::Sender::subscribe)
    }
}

/// A run's place among the others, given up with this value.
pub(super) struct Entry<S> {
    running: Running<S>,
    id: RunId,
    phase: watch::Sender<Phase<S>>,
}

impl<S> Entry<S> {
    pub(super) fn up(&self, up: Up<S>) {
        self.phase.send_replace(Phase::Up(up));
    }

    /// The first process has ended; gives the others, which hear of it, the time to end.
    pub(super) async fn ending(&self) {
        let was_up = self.phase.send_if_modified(|phase| {
            let up = matches!(phase, Phase::Up(_));
            if up {
                *phase = Phase::Ending;
            }
            up
        });
        if was_up {
            // They are killed, and told on if they cannot be: nobody waits for more.
            let _ = tokio::time::timeout(PATIENCE * 2, self.phase.closed()).await;
        }
    }

    /// It is over; from here on its id can be used again.
    pub(super) fn over(self, why: Option<String>) {
        self.running.runs().remove(&self.id);
        self.phase.send_replace(Phase::Over(why));
    }
}

impl<S> Drop for Entry<S> {
    fn drop(&mut self) {
        self.running.runs().remove(&self.id);
        self.phase.send_if_modified(|phase| {
            let open = !matches!(phase, Phase::Over(_));
            if open {
                *phase = Phase::Over(None);
            }
            open
        });
    }
}

/// Waits until the first process of a run that was up has ended.
pub(super) async fn no_longer_up<S>(phase: &mut watch::Receiver<Phase<S>>) {
    // A run that has gone without a word has ended too.
    let _ = phase.wait_for(|phase| !matches!(phase, Phase::Up(_))).await;
}

/// Tells once that a process has been started, or that it never will be: whoever waits for it goes
/// on in either case.
#[derive(Debug, Default)]
pub struct Started(Option<oneshot::Sender<()>>);

impl Started {
    /// With the end on which to wait.
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let (send, receive) = oneshot::channel();
        (Self(Some(send)), receive)
    }

    pub(super) fn fire(&mut self) {
        if let Some(send) = self.0.take() {
            // Whoever waited may have gone.
            let _ = send.send(());
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.fire();
    }
}
