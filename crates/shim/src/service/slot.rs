//! Which tasks there are: none yet, one, or a pod's.

use std::collections::BTreeMap;

use engine::System;
use lifecycle::{Denied, Pod};
use schema::TaskId;

use crate::driver::TaskHandle;
use crate::error::{Error, Result};

/// What the service holds.
pub(super) enum Slot<S: System> {
    Empty,
    Standalone(TaskId, TaskHandle<S>),
    Pod(Box<PodTasks<S>>),
}

/// A pod and its tasks.
pub(super) struct PodTasks<S: System> {
    pub(super) machine: Pod,
    tasks: BTreeMap<TaskId, TaskHandle<S>>,
}

impl<S: System> PodTasks<S> {
    pub(super) fn new(id: TaskId, sandbox: TaskHandle<S>) -> Self {
        let tasks = BTreeMap::from([(id.clone(), sandbox)]);
        Self { machine: Pod::new(id), tasks }
    }

    /// The sandbox task.
    pub(super) fn sandbox(&self) -> &TaskHandle<S> {
        self.tasks.get(self.machine.id()).expect("a pod has its sandbox for as long as it lives")
    }

    /// A workload was made.
    pub(super) fn add(&mut self, id: &TaskId, task: TaskHandle<S>) {
        self.machine.created(id);
        self.tasks.insert(id.clone(), task);
    }

    /// A task was deleted; the sandbox stays.
    fn forget(&mut self, id: &TaskId) {
        self.machine.forget(id);
        if self.machine.find(id).is_err() {
            self.tasks.remove(id);
        }
    }

    fn find(&self, id: &TaskId) -> Result<TaskHandle<S>> {
        self.machine.find(id)?;
        let task = self.tasks.get(id).cloned();
        task.ok_or_else(|| Error::from(Denied::NoSuchTask(id.clone())))
    }
}

impl<S: System> Slot<S> {
    /// The task with this id.
    pub(super) fn find(&self, id: &str) -> Result<TaskHandle<S>> {
        let missing = || Error::NotFound(format!("task `{id}`"));
        let wanted = TaskId::new(id).map_err(|_| missing())?;
        match self {
            Self::Standalone(own, task) if *own == wanted => Ok(task.clone()),
            Self::Pod(pod) => pod.find(&wanted),
            Self::Empty | Self::Standalone(..) => Err(missing()),
        }
    }

    /// Whom a signal reaches.
    pub(super) fn targets(&self, id: &str, exec: &str, all: bool) -> Result<Vec<TaskHandle<S>>> {
        let task = self.find(id)?;
        let Self::Pod(pod) = self else { return Ok(vec![task]) };
        let Ok(id) = TaskId::new(id) else { return Ok(vec![task]) };
        let targets = pod.machine.kill(&id, !exec.is_empty(), all)?;
        targets.iter().map(|id| pod.find(id)).collect()
    }

    /// A task was deleted.
    pub(super) fn forget(&mut self, id: &str) {
        if let (Self::Pod(pod), Ok(id)) = (self, TaskId::new(id)) {
            pod.forget(&id);
        }
    }
}
