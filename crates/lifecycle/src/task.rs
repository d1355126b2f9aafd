//! The life of one task: a container, its first process and what else is run in it.
//!
//! ```text
//! first process:  exited --Drain--> drained --TearDown--> torn down --Publish(exit)--> settled
//! another exec:   exited --Drain--> drained --Publish(exit)--> settled
//! ```
//!
//! Whoever waits for the task is told when its first process has settled: after the container and
//! all that it held are gone. Requests stand here; what comes back from the world is taken in by
//! [`Task::on`] in `report`.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use schema::{ExecId, ExitCode, Pid, TaskId};

use crate::exec::{Kill, NEVER_RAN};
use crate::signals::{Delivery, InvalidSignal};
use crate::{Denied, Exec, Exit, Status};

/// Which process of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The first one; the task ends with it.
    Init,
    /// Another one.
    Exec(ExecId),
}

/// What is to be done, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Start the process, and for the first one the container before it. Answered by
    /// [`Report::Started`] or [`Report::StartFailed`].
    Spawn(Which),
    /// Wait for the process. Answered by [`Report::Exited`].
    Watch(Which),
    /// Signal the process.
    Signal(Which, Delivery),
    /// Pass on what is left of the output, and close the streams. Answered by [`Report::Drained`].
    Drain(Which),
    /// End the container and give back what it held. Answered by [`Report::TornDown`].
    TearDown,
    /// Freeze the container. Answered by [`Report::Paused`] if it worked.
    Freeze,
    /// Thaw the container. Answered by [`Report::Resumed`] if it worked.
    Thaw,
    /// Tell containerd.
    Publish(Event),
}

/// What containerd is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The task was created.
    Created,
    /// A process runs.
    Started(Which, Pid),
    /// An exec was added.
    ExecAdded(ExecId),
    /// A process has ended.
    Exited(Which, Exit),
    /// A process was deleted.
    Deleted(Which, Exit),
    /// The container stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// Its memory limit was hit.
    OutOfMemory,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A process runs.
    Started(Which, Pid),
    /// A process could not be started.
    StartFailed(Which),
    /// A process has ended.
    Exited(Which, ExitCode),
    /// Its output has been passed on, and its streams are closed.
    Drained(Which),
    /// An exec that [`Task::exec`] granted has its streams.
    ExecReady(ExecId),
    /// It could not get them.
    ExecFailed(ExecId),
    /// The container has ended by itself.
    SystemEnded,
    /// The container is gone, and what it held was given back.
    TornDown,
    /// The container stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// Its memory limit was hit.
    OutOfMemory,
}

/// What stands behind a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A container.
    Container,
    /// Nothing: a pod's placeholder where the pod needs no container of its own.
    Holder,
}

/// One task.
#[derive(Debug, Clone)]
pub struct Task {
    id: TaskId,
    kind: Kind,
    init: Exec,
    execs: BTreeMap<ExecId, Exec>,
    joining: BTreeSet<ExecId>,
    paused: bool,
    /// What came while it stood still, and can be delivered when it goes on.
    held: Vec<(Which, Delivery)>,
    system_ended: bool,
    deleted: bool,
}

impl Task {
    /// A task whose container was created.
    pub fn new(id: TaskId, kind: Kind) -> (Self, Vec<Effect>) {
        let task = Self {
            id,
            kind,
            init: Exec::new(),
            execs: BTreeMap::new(),
            joining: BTreeSet::new(),
            paused: false,
            held: Vec::new(),
            system_ended: false,
            deleted: false,
        };
        (task, vec![Effect::Publish(Event::Created)])
    }

    /// Its id.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// Where a process is in its life.
    pub fn status(&self, which: &Which) -> Result<Status, Denied> {
        self.find(which).map(Exec::status)
    }

    /// The container stands still.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// How a process ended, once everything about its end has been told.
    pub fn settled(&self, which: &Which) -> Result<Option<Exit>, Denied> {
        let exec = self.find(which)?;
        Ok(exec.status().exit().filter(|_| exec.has_settled()))
    }

    /// The process that has `pid`.
    pub fn with_pid(&self, pid: Pid) -> Option<Which> {
        if self.init.status() == Status::Running(pid) {
            return Some(Which::Init);
        }
        let mut execs = self.execs.iter();
        let found = execs.find(|(_, exec)| exec.status() == Status::Running(pid));
        found.map(|(id, _)| Which::Exec(id.clone()))
    }

    /// The execs and where they are, by id.
    pub fn execs(&self) -> impl Iterator<Item = (&ExecId, Status)> {
        self.execs.iter().map(|(id, exec)| (id, exec.status()))
    }

    /// Asks for a process to be started.
    pub fn start(&mut self, which: &Which) -> Result<Vec<Effect>, Denied> {
        self.find_mut(which)?.start()?;
        Ok(vec![Effect::Spawn(which.clone())])
    }

    /// Asks for another exec. Its id is taken from now on; [`Report::ExecReady`] makes it.
    pub fn exec(&mut self, id: &ExecId) -> Result<(), Denied> {
        match self.kind {
            Kind::Container => {}
            Kind::Holder => return Err(Denied::Holder),
        }
        let is_init = id.as_str() == self.id.as_str();
        if is_init || self.execs.contains_key(id) || self.joining.contains(id) {
            return Err(Denied::ExecExists(id.clone()));
        }
        if !self.is_running() {
            return Err(Denied::TaskNotRunning);
        }
        self.joining.insert(id.clone());
        Ok(())
    }

    /// Asks for a signal to one process, or with `all` to every one.
    pub fn kill(
        &mut self,
        which: &Which,
        how: Result<Delivery, InvalidSignal>,
        all: bool,
        at: SystemTime,
    ) -> Result<Vec<Effect>, Denied> {
        self.find(which)?;
        if all && *which != Which::Init {
            return Err(Denied::AllAndExec);
        }
        let (mut effects, mut reached) = (Vec::new(), false);
        if all {
            // Of a wrong signal no exec hears. Those who outlive the first process do.
            if let Err(refused @ Denied::InvalidSignal(_)) = self.minds(which, &how) {
                return Err(refused);
            }
            for id in self.execs.keys().cloned().collect::<Vec<_>>() {
                // One that has ended before does not refuse it for the others.
                if let Ok(told) = self.kill_one(&Which::Exec(id), how.clone(), at) {
                    effects.extend(told);
                    reached = true;
                }
            }
        }
        match self.kill_one(which, how, at) {
            Ok(own) => effects.extend(own),
            // What the others are told stands.
            Err(_) if reached => {}
            Err(denied) => return Err(denied),
        }
        Ok(effects)
    }

    /// Ends every exec but the first process: the first step of deleting the task. It is taken
    /// also when the deletion is then refused because the first process runs.
    pub fn end_execs(&mut self, at: SystemTime) -> Vec<Effect> {
        let ids = self.execs.keys().cloned().collect::<Vec<_>>();
        let mut end = |id| self.kill_one(&Which::Exec(id), Ok(Delivery::Terminate), at);
        ids.into_iter().flat_map(|id| end(id).unwrap_or_default()).collect()
    }

    /// Asks for a process to be deleted: one that never ran ends now, with 0, and a holder with 1.
    /// When it has settled, [`Task::forget`] completes it.
    pub fn delete(&mut self, which: &Which, at: SystemTime) -> Result<Vec<Effect>, Denied> {
        let code = match self.kind {
            Kind::Container => ExitCode(0),
            Kind::Holder => NEVER_RAN,
        };
        if self.find_mut(which)?.retire(code, at)? {
            return Ok(vec![Effect::Drain(which.clone())]);
        }
        Ok(Vec::new())
    }

    /// Forgets a settled process and tells how it ended; the first one stays known. `None` when it
    /// has not settled.
    pub fn forget(&mut self, which: &Which) -> Option<(Exit, Vec<Effect>)> {
        let exit = self.settled(which).ok().flatten()?;
        let event = Effect::Publish(Event::Deleted(which.clone(), exit));
        match which {
            Which::Init => {
                self.execs.clear();
                let again = std::mem::replace(&mut self.deleted, true);
                Some((exit, if again { Vec::new() } else { vec![event] }))
            }
            Which::Exec(id) => {
                self.execs.remove(id);
                Some((exit, vec![event]))
            }
        }
    }

    /// Asks for the container to stand still.
    pub fn pause(&mut self) -> Result<Vec<Effect>, Denied> {
        match self.kind {
            Kind::Holder => Err(Denied::Holder),
            Kind::Container if self.is_running() => Ok(vec![Effect::Freeze]),
            Kind::Container => Err(Denied::TaskNotRunning),
        }
    }

    /// Asks for it to go on.
    pub fn resume(&mut self) -> Result<Vec<Effect>, Denied> {
        if self.paused { Ok(vec![Effect::Thaw]) } else { Err(Denied::NotPaused) }
    }

    /// Its first process runs.
    pub fn is_running(&self) -> bool {
        matches!(self.init.status(), Status::Running(_))
    }

    fn kill_one(
        &mut self,
        which: &Which,
        how: Result<Delivery, InvalidSignal>,
        at: SystemTime,
    ) -> Result<Vec<Effect>, Denied> {
        self.minds(which, &how)?;
        let runs = matches!(self.find(which)?.status(), Status::Running(_));
        if runs && self.kind == Kind::Holder {
            self.init.exited(ExitCode(0), at);
            return Ok(vec![Effect::Drain(Which::Init)]);
        }
        // What never ran takes any number.
        let how = how.unwrap_or(Delivery::Terminate);
        Ok(match self.find_mut(which)?.kill(how, at)? {
            Kill::Ended => vec![Effect::Drain(which.clone())],
            Kill::Later => Vec::new(),
            Kill::Deliver(how) => self.deliver(which, how),
        })
    }

    /// Whether a signal would be granted.
    fn minds(&self, which: &Which, how: &Result<Delivery, InvalidSignal>) -> Result<(), Denied> {
        match (self.find(which)?.status(), self.kind, how) {
            (Status::Exited(_), _, _) => Err(Denied::AlreadyExited),
            (Status::Running(_), Kind::Container, Err(invalid)) => {
                Err(Denied::InvalidSignal(invalid.clone()))
            }
            (Status::Created | Status::Running(_), _, _) => Ok(()),
        }
    }

    /// A frozen process cannot end, nor hear of anything: a signal waits for it, as it would for a
    /// stopped process of Linux, and an end makes the container go on. The first process' end does not
    /// wait for that: it ends the container, which needs no thaw.
    fn deliver(&mut self, which: &Which, how: Delivery) -> Vec<Effect> {
        let signal = Effect::Signal(which.clone(), how);
        match (self.paused, how, which) {
            (false, _, _) => vec![signal],
            (true, Delivery::Terminate, Which::Init) => vec![Effect::Thaw, signal],
            (true, Delivery::Terminate, Which::Exec(_)) => {
                self.held.push((which.clone(), how));
                vec![Effect::Thaw]
            }
            (true, Delivery::Control(_), _) => {
                self.held.push((which.clone(), how));
                Vec::new()
            }
        }
    }

    /// Ends the execs that never ran: their container is gone.
    fn strand(&mut self, at: SystemTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, exec) in &mut self.execs {
            if exec.retire(NEVER_RAN, at) == Ok(true) {
                effects.push(Effect::Drain(Which::Exec(id.clone())));
            }
        }
        effects
    }

    fn find(&self, which: &Which) -> Result<&Exec, Denied> {
        match which {
            Which::Init => Ok(&self.init),
            Which::Exec(id) => self.execs.get(id).ok_or_else(|| Denied::NoSuchExec(id.clone())),
        }
    }

    fn find_mut(&mut self, which: &Which) -> Result<&mut Exec, Denied> {
        match which {
            Which::Init => Ok(&mut self.init),
            Which::Exec(id) => self.execs.get_mut(id).ok_or_else(|| Denied::NoSuchExec(id.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
