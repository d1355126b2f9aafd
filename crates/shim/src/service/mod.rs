//! The Task service: looks up whom a request is about, and puts answers into containerd's words.
//!
//! Every request is carried out on a task of its own, so that a client that goes away leaves no
//! half-done work. Which tasks there are stands in [`slot`]; how one is made, in [`create`].

mod bundle;
mod create;
mod diag;
mod inspect;
mod make;
mod pod_config;
mod rootfs;
mod sandbox_api;
mod slot;
mod stats;
mod task_api;
mod unused;
mod update;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use lifecycle::Which;
use lifecycle::signals::Delivery;
use resources::Host;
use schema::{ExecId, TaskId};
use tokio::sync::{Mutex, watch};

use crate::driver::{Shared, TaskHandle};
use crate::error::{Error, Result};
use crate::events::Publisher;
use slot::Slot;

pub(crate) use make::end_by_id;
pub(crate) use task_api::services;

/// How long the tasks of a shim that ends may take to end.
const LAST_TASKS: Duration = Duration::from_secs(10);

/// Whether the shim is asked to end, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not asked.
    No,
    /// When its connections are done.
    Gracefully,
    /// Now.
    Now,
}

/// The service of one shim. Clones are the same one.
pub(crate) struct Service<E: Engine, H> {
    inner: Arc<Inner<E, H>>,
}

struct Inner<E: Engine, H> {
    /// The standalone container's id, or the pod's.
    id: TaskId,
    is_sandbox: bool,
    world: Shared<E, H>,
    publisher: Publisher,
    slot: Mutex<Slot<E::System>>,
    /// Held while a pod or a standalone task is made, so that a second request waits for it.
    making: Mutex<()>,
    ending: watch::Sender<Ending>,
    /// How many requests for a task are being carried out.
    asking: watch::Sender<u32>,
    /// Where it listens.
    socket: PathBuf,
}

impl<E: Engine, H> Clone for Service<E, H> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<E: Engine, H: Host> Service<E, H> {
    /// A service with no task yet.
    pub(crate) fn new(
        id: TaskId,
        is_sandbox: bool,
        world: Shared<E, H>,
        publisher: Publisher,
        socket: PathBuf,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                id,
                is_sandbox,
                world,
                publisher,
                slot: Mutex::new(Slot::Empty),
                making: Mutex::new(()),
                ending: watch::Sender::new(Ending::No),
                asking: watch::Sender::new(0),
                socket,
            }),
        }
    }

    /// Comes when the shim is asked to end.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ending = self.inner.ending.subscribe();
        let asked = ending.wait_for(|ending| *ending != Ending::No).await;
        asked.map_or(Ending::Now, |ending| *ending)
    }

    /// Asks it to end; the first time counts. A workload's id changes nothing.
    fn shut_down(&self, id: &str, now: bool) {
        if id != self.inner.id.as_str() {
            return;
        }
        self.inner.ending.send_if_modified(|ending| {
            let first = *ending == Ending::No;
            if first {
                // The name is free for the next shim before this answer is out. Already gone is
                // as good.
                let _ = std::fs::remove_file(&self.inner.socket);
                *ending = if now { Ending::Now } else { Ending::Gracefully };
            }
            first
        });
    }

    /// Ends what still runs, the sandbox last, and gives back what it held: a shim that is asked to
    /// end takes its containers with it. What does not end by then is `delete`'s to find.
    pub(crate) async fn end_all(&self) {
        let own = self.inner.id.as_str();
        // A shim without tasks has nothing to end.
        let tasks = self.inner.slot.lock().await.targets(own, "", true).unwrap_or_default();
        for task in &tasks {
            // One that has ended is as good.
            let _ = task.kill(Which::Init, Ok(Delivery::Terminate), true).await;
        }
        let ends = tasks.iter().map(|task| task.wait(Which::Init));
        let ended = tokio::time::timeout(LAST_TASKS, futures::future::join_all(ends)).await;
        if ended.is_err() {
            tracing::error!("a container does not end with its shim");
        }
    }

    /// The task with this id.
    async fn task(&self, id: &str) -> Result<TaskHandle<E::System>> {
        self.inner.slot.lock().await.find(id)
    }

    /// The task and one of its processes; an empty exec id is the first process.
    async fn process(&self, id: &str, exec: &str) -> Result<(TaskHandle<E::System>, Which)> {
        let task = self.task(id).await?;
        Ok((task, which(exec)?))
    }

    /// The task and its compute system.
    async fn system(&self, id: &str) -> Result<(TaskHandle<E::System>, E::System)> {
        let task = self.task(id).await?;
        let system = task.system().cloned();
        let system = system.ok_or_else(|| Error::Failed("task is not isolated".to_owned()))?;
        Ok((task, system))
    }
}

/// The process that an exec id names. One that cannot be an id was never given to anything.
fn which(exec: &str) -> Result<Which> {
    if exec.is_empty() {
        return Ok(Which::Init);
    }
    let id = ExecId::new(exec).map_err(|_| Error::NotFound(format!("exec `{exec}`")))?;
    Ok(Which::Exec(id))
}

/// What a compute system says; one that is gone is not found.
fn gone_is_not_found<T>(id: &str, answer: engine::Result<T>) -> Result<T> {
    answer.map_err(|error| {
        let error = Error::from(error);
        if error.is_gone() { Error::NotFound(format!("container `{id}`")) } else { error }
    })
}

#[cfg(test)]
mod tests;
