//! The actor: takes one message after the other, asks the machine, has its effects carried out, and
//! answers who waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use engine::{Engine, System};
use lifecycle::task::Kind;
use lifecycle::{Denied, Effect, Event, Exit, Report, Task, Which};
use resources::{Held, Host};
use schema::process::ProcessParameters;
use schema::{ExitCode, Pid};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::message::{Message, Reply, now};
use super::{Container, Made, Shared, TaskEvents, TaskHandle, effects};
use crate::error::{Error, Result};
use crate::events::Receipt;
use crate::stdio::{Ends, Relays, Upstream};

/// What belongs to one process.
pub(super) struct Slot<P> {
    pub(super) parameters: ProcessParameters,
    pub(super) upstream: Option<Upstream>,
    pub(super) ends: Ends,
    pub(super) process: Option<P>,
    pub(super) relays: Option<Relays>,
    /// Somebody wants it gone, and does not mean to wait for who reads from it.
    pub(super) hurried: watch::Sender<bool>,
}

impl<P> Slot<P> {
    pub(super) fn new(parameters: ProcessParameters, upstream: Upstream, ends: Ends) -> Self {
        Self {
            parameters,
            upstream: Some(upstream),
            ends,
            process: None,
            relays: None,
            hurried: watch::Sender::new(false),
        }
    }
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) starts: Vec<(Which, Reply<Pid>)>,
    pub(super) ends: Vec<(Which, Reply<Exit>)>,
    pub(super) deletions: Vec<(Which, Reply<Exit>)>,
    pub(super) pauses: Vec<(bool, Reply<()>)>,
}

/// The driver of one task.
pub(crate) struct Actor<E: Engine, H> {
    pub(super) machine: Task,
    pub(super) world: Shared<E, H>,
    pub(super) events: TaskEvents,
    pub(super) container: Option<Container<E>>,
    /// What a placeholder holds.
    pub(super) held: Option<Held>,
    pub(super) system: Option<E::System>,
    pub(super) started: bool,
    /// The first process was ended from outside.
    pub(super) killed: bool,
    /// What a process that is ended from outside ends with.
    pub(super) ended: ExitCode,
    pub(super) slots: BTreeMap<Which, Slot<<E::System as System>::Process>>,
    pub(super) inbox: mpsc::WeakUnboundedSender<Message<E::System>>,
    pub(super) background: JoinSet<()>,
    /// The exit events that who waits has to be told after.
    told: BTreeMap<Which, Receipt>,
    pub(super) waiting: Waiting,
    pub(super) bundle: String,
    pub(super) created: SystemTime,
}

impl<E: Engine, H: Host> Actor<E, H> {
    /// Starts the driver of a container that was created, and gives what has to be told to
    /// containerd before `Create` is answered.
    pub(crate) fn launch(
        made: Made<E>,
        spec: plan::Spec,
        world: Shared<E, H>,
        events: TaskEvents,
    ) -> (TaskHandle<E::System>, Vec<Receipt>) {
        let (inbox, messages) = mpsc::unbounded_channel();
        let kind = if made.container.is_some() { Kind::Container } else { Kind::Holder };
        let (machine, effects) = Task::new(made.id, kind);
        let system = made.container.as_ref().map(|container| container.system.clone());
        let is_linux_shaped = made.is_linux_shaped;
        let mut actor = Self {
            machine,
            world,
            events,
            container: made.container,
            held: made.held,
            system: system.clone(),
            started: false,
            killed: false,
            ended: effects::ended(&spec),
            slots: BTreeMap::new(),
            inbox: inbox.downgrade(),
            background: JoinSet::new(),
            told: BTreeMap::new(),
            waiting: Waiting::default(),
            bundle: made.bundle,
            created: now(),
        };
        let slot = Slot::new(made.parameters, made.upstream, made.ends);
        actor.slots.insert(Which::Init, slot);
        actor.watch_system();
        let receipts = actor.carry_out(effects);
        tokio::spawn(actor.run(messages));
        (TaskHandle { inbox, system, spec: Arc::new(spec), is_linux_shaped }, receipts)
    }

    /// Runs until nobody can send any more.
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message<E::System>>) {
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.take(message),
                    None => break,
                },
                // Reaps what has come to its end.
                Some(_) = self.background.join_next() => {}
            }
        }
    }

    fn take(&mut self, message: Message<E::System>) {
        match message {
            Message::Request(request) => self.request(request),
            Message::Report(report) => {
                self.report(report);
            }
            Message::Spawned(which, result) => self.spawned(&which, result),
            Message::Stilled(still, result) => self.stilled(still, result),
        }
        self.answer_who_waits();
    }

    pub(super) fn report(&mut self, report: Report) -> Vec<Receipt> {
        let effects = self.machine.on(report, now());
        self.carry_out(effects)
    }

    fn spawned(
        &mut self,
        which: &Which,
        result: Result<(<E::System as System>::Process, engine::Stdio)>,
    ) {
        use engine::Process as _;
        let (outcome, receipts) = match result {
            Ok((process, stdio)) => {
                let pid = process.pid();
                self.connect(which, process, stdio);
                (Ok(pid), self.report(Report::Started(which.clone(), pid)))
            }
            Err(error) => {
                self.report(Report::StartFailed(which.clone()));
                (Err(error), Vec::new())
            }
        };
        self.answer_start(which, outcome, receipts);
    }

    /// Answers who asked for a process to be started: at most one did.
    pub(super) fn answer_start(
        &mut self,
        which: &Which,
        outcome: Result<Pid>,
        receipts: Vec<Receipt>,
    ) {
        let found = self.waiting.starts.iter().position(|(waits, _)| waits == which);
        if let Some(found) = found {
            let (_, reply) = self.waiting.starts.swap_remove(found);
            answer(reply, outcome, receipts);
        }
    }

    fn stilled(&mut self, still: bool, result: Result<()>) {
        let report = if still { Report::Paused } else { Report::Resumed };
        let mut receipts = Vec::new();
        if result.is_ok() {
            receipts = self.report(report);
        }
        let mut outcome = Some(result);
        for (_, reply) in self.waiting.pauses.extract_if(.., |(waits, _)| *waits == still) {
            let outcome = outcome.take().unwrap_or(Ok(()));
            answer(reply, outcome, receipts.clone());
        }
    }

    /// Answers those whose process has settled meanwhile.
    fn answer_who_waits(&mut self) {
        let waiting = std::mem::take(&mut self.waiting.ends);
        for (which, reply) in waiting {
            match self.machine.settled(&which) {
                Ok(Some(exit)) => {
                    let told = self.told.get(&which).cloned().into_iter().collect();
                    answer(reply, Ok::<_, Denied>(exit), told);
                }
                // Who went away meanwhile does not wait any more.
                Ok(None) if reply.is_closed() => {}
                Ok(None) => self.waiting.ends.push((which, reply)),
                Err(denied) => refuse(reply, denied),
            }
        }
        let deletions = std::mem::take(&mut self.waiting.deletions);
        for (which, reply) in deletions {
            if reply.is_closed() {
                continue;
            }
            match self.machine.forget(&which) {
                Some((exit, effects)) => {
                    self.forget_slots(&which);
                    let receipts = self.carry_out(effects);
                    answer(reply, Ok::<_, Denied>(exit), receipts);
                }
                None => self.waiting.deletions.push((which, reply)),
            }
        }
    }

    fn forget_slots(&mut self, which: &Which) {
        match which {
            Which::Init => self.slots.retain(|which, _| *which == Which::Init),
            Which::Exec(_) => {
                self.slots.remove(which);
                self.told.remove(which);
            }
        }
    }

    /// Publishes, and keeps the receipt of an exit for those who wait for it.
    pub(super) fn publish(&mut self, event: Event) -> Receipt {
        let exited = match &event {
            Event::Exited(which, _) => Some(which.clone()),
            Event::Created
            | Event::Started(..)
            | Event::ExecAdded(_)
            | Event::Deleted(..)
            | Event::Paused
            | Event::Resumed
            | Event::OutOfMemory => None,
        };
        let receipt = self.events.publish(event);
        if let Some(which) = exited {
            self.told.insert(which, receipt.clone());
        }
        receipt
    }

    /// Carries effects out in their order, and gives the receipts of what was published.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Receipt> {
        effects.into_iter().filter_map(|effect| self.effect(effect)).collect()
    }
}

/// Answers; who does not wait any more is not told.
pub(super) fn answer<T>(
    reply: Reply<T>,
    outcome: Result<T, impl Into<Error>>,
    receipts: Vec<Receipt>,
) {
    let _ = reply.send(outcome.map(|value| (value, receipts)).map_err(Into::into));
}

pub(super) fn refuse<T>(reply: Reply<T>, denied: Denied) {
    answer(reply, Err(denied), Vec::new());
}
