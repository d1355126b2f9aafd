//! What each request comes to: granted by the machine and begun, or refused at once.

use engine::{Engine, Process as _};
use lifecycle::signals::Delivery;
use lifecycle::{Denied, Exit, Report, Status, Which};
use resources::Host;
use schema::{ConsoleSize, ExecId};

use super::actor::{Actor, Slot, answer, refuse};
use super::message::{ExecRequest, Reply, Request, Snapshot, now};
use crate::error::{Error, Result};

impl<E: Engine, H: Host> Actor<E, H> {
    pub(super) fn request(&mut self, request: Request) {
        match request {
            Request::Start(which, reply) => match self.machine.start(&which) {
                Ok(effects) => {
                    self.waiting.starts.push((which, reply));
                    self.carry_out(effects);
                }
                Err(denied) => refuse(reply, denied),
            },
            Request::JoinExec(id, reply) => answer(reply, self.machine.exec(&id), Vec::new()),
            Request::AddExec(id, exec, reply) => self.add_exec(id, exec, reply),
            Request::Kill(which, how, all, reply) => {
                if how == Ok(Delivery::Terminate) {
                    // Of an exec alone there is no "all", and the machine refuses it.
                    self.hurry(&which, all && which == Which::Init);
                }
                let granted = self.machine.kill(&which, how, all, now());
                let granted = granted.map(|effects| self.carry_out(effects));
                answer(reply, granted.map(drop), Vec::new());
            }
            Request::Delete(which, reply) => self.delete(which, reply),
            Request::Wait(which, reply) => match self.machine.status(&which) {
                Ok(_) => self.waiting.ends.push((which, reply)),
                Err(denied) => refuse(reply, denied),
            },
            Request::Status(which, reply) => answer(reply, self.snapshot(&which), Vec::new()),
            Request::Owners(pids, reply) => {
                let owners = pids.into_iter().map(|pid| self.machine.with_pid(pid)).collect();
                answer(reply, Ok::<_, Denied>(owners), Vec::new());
            }
            Request::Execs(reply) => {
                answer(reply, Ok::<_, Denied>(self.list_execs()), Vec::new());
            }
            Request::Describe(reply) => {
                answer(reply, Ok::<_, Denied>(self.describe()), Vec::new());
            }
            Request::Resize(which, size, reply) => self.resize(&which, size, reply),
            Request::CloseIo(which, reply) => answer(reply, self.close_io(&which), Vec::new()),
            Request::Pause(reply) => self.still(true, reply),
            Request::Resume(reply) => self.still(false, reply),
        }
    }

    fn add_exec(&mut self, id: ExecId, exec: Option<Box<ExecRequest>>, reply: Reply<()>) {
        let Some(exec) = exec else {
            self.report(Report::ExecFailed(id));
            return answer(reply, Ok::<_, Denied>(()), Vec::new());
        };
        let ExecRequest { parameters, upstream, ends } = *exec;
        self.slots.insert(Which::Exec(id.clone()), Slot::new(parameters, upstream, ends));
        let receipts = self.report(Report::ExecReady(id));
        answer(reply, Ok::<_, Denied>(()), receipts);
    }

    /// Somebody wants a process gone, or all of them: who has not read what they said does not keep
    /// them.
    fn hurry(&mut self, which: &Which, all: bool) {
        for (_, slot) in self.slots.iter().filter(|(other, _)| all || *other == which) {
            slot.hurried.send_replace(true);
        }
    }

    fn delete(&mut self, which: Which, reply: Reply<Exit>) {
        if which == Which::Init {
            let effects = self.machine.end_execs(now());
            self.carry_out(effects);
        }
        match self.machine.delete(&which, now()) {
            Ok(effects) => {
                self.hurry(&which, which == Which::Init);
                self.carry_out(effects);
                self.waiting.deletions.push((which, reply));
            }
            Err(denied) => refuse(reply, denied),
        }
    }

    fn snapshot(&self, which: &Which) -> Result<Snapshot, Denied> {
        let status = self.machine.status(which)?;
        Ok(Snapshot {
            bundle: self.bundle.clone(),
            created: self.created,
            status,
            paused: self.machine.is_paused(),
            ends: self.slots.get(which).map(|slot| slot.ends.clone()).unwrap_or_default(),
        })
    }

    fn resize(&mut self, which: &Which, size: ConsoleSize, reply: Reply<()>) {
        let status = match self.machine.status(which) {
            Ok(status) => status,
            Err(denied) => return refuse(reply, denied),
        };
        let slot = self.slots.get(which);
        if !slot.is_some_and(|slot| slot.ends.terminal) {
            let refused = Error::Precondition("exec is not a terminal".to_owned());
            return answer(reply, Err(refused), Vec::new());
        }
        let process = slot.and_then(|slot| slot.process.clone());
        // A client whose own terminal has no size yet asks for nothing.
        let process = process.filter(|_| size.height > 0 && size.width > 0);
        let (Status::Running(_), Some(process)) = (status, process) else {
            return answer(reply, Ok::<_, Denied>(()), Vec::new());
        };
        self.background.spawn(async move {
            answer(reply, process.resize(size).await, Vec::new());
        });
    }

    fn close_io(&mut self, which: &Which) -> Result<(), Denied> {
        self.machine.status(which)?;
        let Some(slot) = self.slots.get_mut(which) else { return Ok(()) };
        match &slot.relays {
            Some(relays) => relays.close_stdin(),
            // Before the start: the process finds its stdin at its end.
            None => {
                if let Some(upstream) = &mut slot.upstream
                    && upstream.stdin.is_some()
                {
                    upstream.stdin = Some(Box::pin(tokio::io::empty()));
                }
            }
        }
        Ok(())
    }

    fn still(&mut self, still: bool, reply: Reply<()>) {
        let granted = if still { self.machine.pause() } else { self.machine.resume() };
        match granted {
            Ok(effects) => {
                self.waiting.pauses.push((still, reply));
                self.carry_out(effects);
            }
            Err(denied) => refuse(reply, denied),
        }
    }
}
