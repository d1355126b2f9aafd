//! The life of a pod: which tasks it has, and when it takes another.
//!
//! A pod's id is its sandbox task's. Workloads may come while that task runs; their ids are taken
//! from the moment they are asked for, so that two requests for one id cannot both be carried out.

use std::collections::BTreeMap;

use schema::TaskId;

use crate::Denied;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Workload {
    Coming,
    There,
}

/// One pod.
#[derive(Debug, Clone)]
pub struct Pod {
    id: TaskId,
    workloads: BTreeMap<TaskId, Workload>,
}

impl Pod {
    /// A pod whose sandbox task was created.
    pub fn new(id: TaskId) -> Self {
        Self { id, workloads: BTreeMap::new() }
    }

    /// Its id.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// The sandbox, then the workloads.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        let there = self.workloads.iter().filter(|(_, state)| **state == Workload::There);
        std::iter::once(&self.id).chain(there.map(|(id, _)| id))
    }

    /// The pod has this task.
    pub fn find(&self, id: &TaskId) -> Result<(), Denied> {
        match self.workloads.get(id) {
            Some(Workload::There) => Ok(()),
            Some(Workload::Coming) | None if *id == self.id => Ok(()),
            Some(Workload::Coming) | None => Err(Denied::NoSuchTask(id.clone())),
        }
    }

    /// Asks for a workload; `ready` tells that the sandbox task runs. The id is taken until
    /// [`Pod::failed`].
    pub fn create(&mut self, id: &TaskId, ready: bool) -> Result<(), Denied> {
        if *id == self.id {
            return Err(Denied::TaskExists(id.clone()));
        }
        if !ready {
            return Err(Denied::PodNotRunning { task: id.clone(), pod: self.id.clone() });
        }
        if self.workloads.contains_key(id) {
            return Err(Denied::TaskExists(id.clone()));
        }
        self.workloads.insert(id.clone(), Workload::Coming);
        Ok(())
    }

    /// The workload was made.
    pub fn created(&mut self, id: &TaskId) {
        if let Some(state) = self.workloads.get_mut(id) {
            *state = Workload::There;
        }
    }

    /// It could not be made; its id is free again.
    pub fn failed(&mut self, id: &TaskId) {
        if self.workloads.get(id) == Some(&Workload::Coming) {
            self.workloads.remove(id);
        }
    }

    /// Whom a signal to a task reaches: with `all` and the sandbox, every workload, and the
    /// sandbox last.
    pub fn kill(&self, id: &TaskId, one_exec: bool, all: bool) -> Result<Vec<TaskId>, Denied> {
        self.find(id)?;
        if all && one_exec {
            return Err(Denied::AllAndExec);
        }
        if all && *id == self.id {
            let mut targets = self.tasks().cloned().collect::<Vec<_>>();
            targets.rotate_left(1);
            return Ok(targets);
        }
        Ok(vec![id.clone()])
    }

    /// A workload was deleted, and is forgotten; the sandbox stays known.
    pub fn forget(&mut self, id: &TaskId) {
        if self.workloads.get(id) == Some(&Workload::There) {
            self.workloads.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    fn pod_with(workloads: &[&str]) -> Pod {
        let mut pod = Pod::new(id("pod"));
        for workload in workloads {
            pod.create(&id(workload), true).unwrap();
            pod.created(&id(workload));
        }
        pod
    }

    #[test]
    fn a_workload_waits_for_the_sandbox_to_run() {
        let mut pod = pod_with(&[]);
        assert!(matches!(pod.create(&id("a"), false), Err(Denied::PodNotRunning { .. })));
        assert_eq!(pod.create(&id("a"), true), Ok(()));
    }

    #[test]
    fn an_id_is_taken_from_the_request_on() {
        let mut pod = pod_with(&[]);
        pod.create(&id("a"), true).unwrap();
        assert_eq!(pod.create(&id("a"), true), Err(Denied::TaskExists(id("a"))));
        assert_eq!(pod.find(&id("a")), Err(Denied::NoSuchTask(id("a"))), "not before it is made");
        pod.failed(&id("a"));
        assert_eq!(pod.create(&id("a"), true), Ok(()));
    }

    #[test]
    fn the_pods_own_id_is_taken_even_while_it_does_not_run() {
        assert_eq!(pod_with(&[]).create(&id("pod"), false), Err(Denied::TaskExists(id("pod"))));
    }

    /// hcsshim's `pod_test.go`: the rows about kill.
    #[test]
    fn kill_all_of_the_sandbox_reaches_the_workloads_first() {
        let pod = pod_with(&["a", "b"]);
        assert_eq!(pod.kill(&id("pod"), false, true), Ok(vec![id("a"), id("b"), id("pod")]));
        assert_eq!(pod.kill(&id("pod"), false, false), Ok(vec![id("pod")]));
        assert_eq!(pod.kill(&id("a"), false, true), Ok(vec![id("a")]));
        assert_eq!(pod.kill(&id("a"), true, true), Err(Denied::AllAndExec));
        assert_eq!(pod.kill(&id("x"), true, true), Err(Denied::NoSuchTask(id("x"))));
    }

    /// hcsshim's `pod_test.go`: the rows about delete.
    #[test]
    fn a_deleted_workload_is_forgotten_and_the_sandbox_is_not() {
        let mut pod = pod_with(&["a"]);
        pod.forget(&id("a"));
        assert_eq!(pod.find(&id("a")), Err(Denied::NoSuchTask(id("a"))));
        pod.forget(&id("pod"));
        assert_eq!(pod.find(&id("pod")), Ok(()));
    }
}
