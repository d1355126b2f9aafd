//! What happened, taken in: reports are never refused, and one that comes late or twice changes
//! nothing.

use std::time::SystemTime;

use schema::{ExecId, ExitCode, Pid};

use super::{Effect, Event, Report, Task, Which};
use crate::exec::NEVER_RAN;
use crate::{Exec, Status};

impl Task {
    /// Takes in what happened, and tells what is to be done about it.
    pub fn on(&mut self, report: Report, at: SystemTime) -> Vec<Effect> {
        match report {
            Report::Started(which, pid) => self.started(&which, pid),
            Report::StartFailed(which) => self.exited(which, NEVER_RAN, at),
            Report::Exited(which, code) => self.exited(which, code, at),
            Report::Drained(Which::Init) => vec![Effect::TearDown],
            Report::Drained(Which::Exec(id)) => self.exec_settled(id),
            Report::ExecReady(id) => self.exec_ready(id, at),
            Report::ExecFailed(id) => {
                self.joining.remove(&id);
                Vec::new()
            }
            Report::SystemEnded => self.system_ended(at),
            Report::TornDown => self.torn_down(at),
            Report::Paused => self.stand_still(true),
            Report::Resumed => self.stand_still(false),
            Report::OutOfMemory => vec![Effect::Publish(Event::OutOfMemory)],
        }
    }

    fn started(&mut self, which: &Which, pid: Pid) -> Vec<Effect> {
        let Ok(exec) = self.find_mut(which) else { return Vec::new() };
        let Some(pending) = exec.started(pid) else { return Vec::new() };
        let mut effects =
            vec![Effect::Publish(Event::Started(which.clone(), pid)), Effect::Watch(which.clone())];
        for how in pending {
            effects.extend(self.deliver(which, how));
        }
        effects
    }

    fn exited(&mut self, which: Which, code: ExitCode, at: SystemTime) -> Vec<Effect> {
        let ended = self.find_mut(&which).is_ok_and(|exec| exec.exited(code, at));
        if ended { vec![Effect::Drain(which)] } else { Vec::new() }
    }

    /// One that never ran has no exit to tell of.
    fn exec_settled(&mut self, id: ExecId) -> Vec<Effect> {
        let Some(exec) = self.execs.get_mut(&id) else { return Vec::new() };
        if !exec.settle() {
            return Vec::new();
        }
        match exec.status().exit() {
            Some(exit) if exit.pid != Pid(0) => {
                vec![Effect::Publish(Event::Exited(Which::Exec(id), exit))]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn exec_ready(&mut self, id: ExecId, at: SystemTime) -> Vec<Effect> {
        if !self.joining.remove(&id) {
            return Vec::new();
        }
        self.execs.insert(id.clone(), Exec::new());
        let mut effects = vec![Effect::Publish(Event::ExecAdded(id))];
        if !self.is_running() || self.system_ended {
            effects.extend(self.strand(at));
        }
        effects
    }

    fn system_ended(&mut self, at: SystemTime) -> Vec<Effect> {
        self.system_ended = true;
        self.paused = false;
        self.held.clear();
        let mut effects = self.strand(at);
        if self.init.retire(NEVER_RAN, at) == Ok(true) {
            effects.push(Effect::Drain(Which::Init));
        }
        effects
    }

    fn torn_down(&mut self, at: SystemTime) -> Vec<Effect> {
        let mut effects = self.system_ended(at);
        if self.init.settle() {
            let exit = self.init.status().exit().expect("what has settled has ended");
            effects.push(Effect::Publish(Event::Exited(Which::Init, exit)));
        }
        effects
    }

    fn stand_still(&mut self, still: bool) -> Vec<Effect> {
        if self.paused == still || self.system_ended {
            return Vec::new();
        }
        self.paused = still;
        if still {
            return vec![Effect::Publish(Event::Paused)];
        }
        let mut effects = vec![Effect::Publish(Event::Resumed)];
        for (which, how) in std::mem::take(&mut self.held) {
            // One that has ended meanwhile needs no signal any more.
            if matches!(self.status(&which), Ok(Status::Running(_))) {
                effects.push(Effect::Signal(which, how));
            }
        }
        effects
    }
}
