//! Effects, carried out on the engine. Each one that takes time is a task of its own, which reports
//! to the inbox; all of them end with the actor.

use engine::{Engine, Process, Stdio, System};
use lifecycle::signals::Delivery;
use lifecycle::{Effect, Report, Which};
use resources::Host;
use schema::{ExitCode, Pid};

use super::actor::Actor;
use super::message::Message;
use crate::error::words;
use crate::events::Receipt;
use crate::stdio::Relays;

/// What a process ended from outside ends with: Windows' `ERROR_PROCESS_ABORTED`.
const ABORTED: ExitCode = ExitCode(1067);
/// The same for what runs on the host itself, without HCS: hcsshim ends it with this.
const ENDED_ON_HOST: ExitCode = ExitCode(1);
/// The pid of a placeholder.
const HOLDER: Pid = Pid(1);

/// What a container's processes end with when they are ended from outside.
pub(super) fn ended(spec: &plan::Spec) -> ExitCode {
    if spec.is_job_container() { ENDED_ON_HOST } else { ABORTED }
}

impl<E: Engine, H: Host> Actor<E, H> {
    pub(super) fn effect(&mut self, effect: Effect) -> Option<Receipt> {
        match effect {
            Effect::Spawn(which) => self.spawn(which),
            Effect::Watch(which) => self.watch(which),
            Effect::Signal(which, how) => self.signal(&which, how),
            Effect::Drain(which) => self.drain(&which),
            Effect::TearDown => self.tear_down(),
            Effect::Freeze => self.freeze(true),
            Effect::Thaw => self.freeze(false),
            Effect::Publish(event) => return Some(self.publish(event)),
        }
        None
    }

    /// Tells when the container ends by itself, and when it runs out of memory.
    pub(super) fn watch_system(&mut self) {
        let Some(system) = self.system.clone() else { return };
        let inbox = self.inbox.clone();
        self.background.spawn(async move {
            if let Ok(mut events) = system.events().await {
                while let Some(event) = events.recv().await {
                    match event {
                        engine::SystemEvent::OutOfMemory => report(&inbox, Report::OutOfMemory),
                    }
                }
            }
            system.wait().await;
            report(&inbox, Report::SystemEnded);
        });
    }

    fn spawn(&mut self, which: Which) {
        let (Some(system), Some(slot)) = (self.system.clone(), self.slots.get(&which)) else {
            let receipts = self.report(Report::Started(which.clone(), HOLDER));
            self.answer_start(&which, Ok(HOLDER), receipts);
            return;
        };
        let parameters = slot.parameters.clone();
        let starts_system = which == Which::Init;
        self.started |= starts_system;
        let inbox = self.inbox.clone();
        self.background.spawn(async move {
            let spawned = async {
                if starts_system {
                    system.start().await?;
                }
                Ok(system.spawn(&parameters).await?)
            };
            send(&inbox, Message::Spawned(which, spawned.await));
        });
    }

    /// Connects a process that runs to who asked for it.
    pub(super) fn connect(
        &mut self,
        which: &Which,
        process: <E::System as System>::Process,
        stdio: Stdio,
    ) {
        let Some(slot) = self.slots.get_mut(which) else { return };
        slot.process = Some(process);
        if let Some(upstream) = slot.upstream.take() {
            slot.relays = Some(Relays::start(upstream, stdio));
        }
    }

    fn watch(&mut self, which: Which) {
        let process = self.slots.get(&which).and_then(|slot| slot.process.clone());
        let Some(process) = process else { return };
        let inbox = self.inbox.clone();
        self.background.spawn(async move {
            let code = process.wait().await;
            report(&inbox, Report::Exited(which, code));
        });
    }

    /// Delivered in the background: a process may keep a control event from being answered until
    /// it ends, and whoever asked must be able to follow up with a kill.
    fn signal(&mut self, which: &Which, how: Delivery) {
        let process = self.slots.get(which).and_then(|slot| slot.process.clone());
        let Some(process) = process else { return };
        let system = self.system.clone().filter(|_| *which == Which::Init);
        self.killed |= *which == Which::Init && how == Delivery::Terminate;
        let ended = self.ended;
        self.background.spawn(async move {
            match how {
                Delivery::Control(event) => {
                    if let Err(error) = process.signal(event).await {
                        tracing::warn!(error = words(&error), "a signal was not delivered");
                    }
                }
                Delivery::Terminate => terminate(&process, ended, system.as_ref()).await,
            }
        });
    }

    fn freeze(&mut self, still: bool) {
        let Some(system) = self.system.clone() else { return };
        let inbox = self.inbox.clone();
        self.background.spawn(async move {
            let done = if still { system.pause().await } else { system.resume().await };
            send(&inbox, Message::Stilled(still, done.map_err(Into::into)));
        });
    }

    fn drain(&mut self, which: &Which) {
        let inbox = self.inbox.clone();
        let (relays, upstream) = match self.slots.get_mut(which) {
            Some(slot) => (slot.relays.take(), slot.upstream.take()),
            None => (None, None),
        };
        let hurried = self.slots.get(which).map(|slot| slot.hurried.subscribe());
        let which = which.clone();
        self.background.spawn(async move {
            // One that never ran has said nothing; its logger is told so all the same.
            let relays = relays
                .or_else(|| upstream.map(|upstream| Relays::start(upstream, Stdio::default())));
            if let Some((relays, hurried)) = relays.zip(hurried) {
                relays.finish(hurried).await;
            }
            report(&inbox, Report::Drained(which));
        });
    }
}

/// Ends a process; when that cannot be done, ends its container.
async fn terminate<P: Process>(process: &P, ended: ExitCode, system: Option<&impl System>) {
    let Err(error) = process.terminate(ended).await else { return };
    tracing::warn!(error = words(&error), "a process could not be ended");
    if let Some(system) = system
        && let Err(error) = system.terminate().await
    {
        tracing::error!(error = words(&error), "a container could not be ended");
    }
}

type Inbox<S> = tokio::sync::mpsc::WeakUnboundedSender<Message<S>>;

/// An actor that has ended is not told.
pub(super) fn send<S: System>(inbox: &Inbox<S>, message: Message<S>) {
    if let Some(inbox) = inbox.upgrade() {
        let _ = inbox.send(message);
    }
}

pub(super) fn report<S: System>(inbox: &Inbox<S>, what: Report) {
    send(inbox, Message::Report(what));
}
