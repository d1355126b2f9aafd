//! What a running container is asked to do.

use std::time::Duration;

use schema::Pid;
use shim::client::Client;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::driver::Driver;
use super::run::{Ended, Run};
use super::serve::Message;
use crate::attach::wire::Call;
use crate::host::process;
use crate::settings::signal;
use crate::store::Status;

/// After a kill the container has this long to be gone before those who wait are told it is not.
const KILL_LIMIT: Duration = Duration::from_secs(75);
/// So long after it was last asked for something, a monitor holds no more memory than it must.
const REST: Duration = Duration::from_secs(1);

type Answer = Result<(), String>;

/// How far the stopping of a container is.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    kill_at: Option<Instant>,
    give_up_at: Option<Instant>,
    waiting: Vec<oneshot::Sender<Answer>>,
}

impl Stopping {
    /// Tells those who wait for the end.
    pub(super) fn answer(&mut self, answer: &Answer) {
        for waiting in self.waiting.drain(..) {
            // One who has gone needs no answer.
            waiting.send(answer.clone()).ok();
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Driver {
    /// Waits for the end of a run, doing what is asked for meanwhile.
    pub(super) async fn supervise(&mut self, run: Run) -> (Run, Ended) {
        let client = run.client.clone();
        let ended = run.watch(self.may_go_first().then(|| self.host.engine.clone()));
        let over = self.over_for_the_slow(&run);
        tokio::pin!(ended, over);
        let mut hurried = false;
        let rest = || Some(Instant::now() + REST);
        let mut rest_at = rest();
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break ended,
                () = &mut over, if !hurried => {
                    hurried = true;
                    self.audience.hurry(true);
                }
                Some(message) = self.inbox.recv() => {
                    self.on_call(&client, message).await;
                    rest_at = rest();
                }
                checked = self.checks.next() => {
                    self.on_checked(checked);
                    rest_at = rest();
                }
                () = at(rest_at) => {
                    rest_at = None;
                    engine::os::memory::let_go();
                }
                () = at(self.stopping.kill_at) => self.kill_now(&client).await,
                () = at(self.stopping.give_up_at) => {
                    self.stopping.give_up_at = None;
                    self.stopping.answer(&Err("the container did not end when killed".to_owned()));
                }
            }
        };
        self.stopping.kill_at = None;
        self.stopping.give_up_at = None;
        (run, ended)
    }

    /// Ends with the process, if there is a slow reader by then: the shim waits for that one only
    /// so long, and would tell of the end after that.
    fn over_for_the_slow(&self, run: &Run) -> impl Future<Output = ()> + use<> {
        let (audience, engine) = (self.audience.clone(), self.host.engine.clone());
        let (id, pid) = (self.found.record.id.clone(), Pid(run.pid));
        async move {
            audience.slow().await;
            process::ended(&engine, &id, pid).await;
        }
    }

    /// Lets the last of the output reach the log and those who look. Nobody who reads slowly is
    /// waited for: the rest is kept for them.
    pub(super) async fn drain(&mut self, run: &mut Run) {
        self.stdin.end().await;
        self.audience.hurry(true);
        loop {
            tokio::select! {
                () = run.drained() => break,
                Some(message) = self.inbox.recv() => self.stopping.waiting.push(message.answer),
            }
        }
        self.audience.hurry(false);
    }

    /// `true` when it was asked to stop.
    pub(super) fn on_call_while_resting(&mut self, message: Message) -> bool {
        match message.call {
            Call::Stop { .. } | Call::Kill { .. } => {
                self.found.state.stopped_by_user = true;
                self.stopping.waiting.push(message.answer);
                true
            }
            Call::Update { .. } => {
                message.answer.send(Ok(())).ok();
                false
            }
            Call::Pause
            | Call::Freeze
            | Call::Resume
            | Call::Resize { .. }
            | Call::Connect { .. }
            | Call::Disconnect { .. } => {
                message.answer.send(Err("the container is restarting".to_owned())).ok();
                false
            }
        }
    }

    async fn on_call(&mut self, client: &Client, Message { call, answer }: Message) {
        let id = self.found.record.id.clone();
        let done = match call {
            Call::Stop { signal, timeout } => {
                self.stopping.waiting.push(answer);
                return self.stop(client, signal, timeout).await;
            }
            Call::Kill { signal } => self.kill(client, signal).await,
            Call::Resize { height, width } => {
                let size = schema::ConsoleSize { height, width };
                client.resize(&id, None, size).await.map_err(|error| words(&error))
            }
            Call::Pause | Call::Freeze if self.found.state.status == Status::Paused => {
                Err("the container is already paused".to_owned())
            }
            Call::Pause | Call::Freeze => match client.pause(&id).await {
                Ok(()) => {
                    self.stop_checks();
                    self.becomes(Status::Paused, "pause");
                    Ok(())
                }
                Err(error) => Err(words(&error)),
            },
            Call::Resume if self.found.state.status != Status::Paused => {
                Err("the container is not paused".to_owned())
            }
            Call::Resume => match client.resume(&id).await {
                Ok(()) => {
                    self.start_checks(client);
                    self.becomes(Status::Running, "unpause");
                    Ok(())
                }
                Err(error) => Err(words(&error)),
            },
            Call::Connect { network, settings } => self.connect(&network, *settings).await,
            Call::Disconnect { network } => self.disconnect(&network).await,
            Call::Update { resources: None } => Ok(()),
            Call::Update { resources: Some(resources) } => {
                let updated = client.update(&id, &resources).await;
                updated.map_err(|error| words(&error))
            }
        };
        // One who has gone needs no answer.
        answer.send(done).ok();
    }

    fn becomes(&mut self, status: Status, event: &str) {
        self.found.state.status = status;
        self.save();
        self.event(event, &[]);
    }

    async fn kill(&mut self, client: &Client, number: u32) -> Answer {
        let deadly = number == signal::KILL;
        if deadly || Some(number) == self.stop_signal() {
            self.found.state.stopped_by_user = true;
        }
        if deadly {
            self.thaw(client).await;
        }
        let killed = client.kill(&self.found.record.id, None, signal::windows(number), false).await;
        match killed {
            Ok(()) => {
                self.event("kill", &[("signal", &number.to_string())]);
                Ok(())
            }
            Err(error) => Err(words(&error)),
        }
    }

    async fn stop(&mut self, client: &Client, wanted: Option<u32>, timeout: Option<i64>) {
        self.found.state.stopped_by_user = true;
        self.save();
        self.thaw(client).await;
        let number = wanted.or_else(|| self.stop_signal()).unwrap_or(signal::TERM);
        let config = &self.found.record.config;
        let seconds = timeout.or(config.stop_timeout).unwrap_or(signal::STOP_TIMEOUT);
        // A signal that cannot be delivered leaves the deadline to do the work.
        if let Err(error) = self.kill(client, number).await {
            tracing::warn!(%error, "the container was not signalled");
        }
        self.stopping.kill_at = match u64::try_from(seconds) {
            Ok(seconds) => Some(Instant::now() + Duration::from_secs(seconds)),
            Err(_) => None,
        };
        self.event("stop", &[]);
    }

    async fn kill_now(&mut self, client: &Client) {
        self.stopping.kill_at = None;
        self.stopping.give_up_at = Some(Instant::now() + KILL_LIMIT);
        if let Err(error) = self.kill(client, signal::KILL).await {
            tracing::error!(%error, "the container was not killed");
        }
    }

    /// A frozen process handles no signal.
    async fn thaw(&mut self, client: &Client) {
        if self.found.state.status == Status::Paused {
            if let Err(error) = client.resume(&self.found.record.id).await {
                tracing::warn!(error = %words(&error), "the container was not unpaused");
            }
            self.found.state.status = Status::Running;
            self.save();
        }
    }

    fn stop_signal(&self) -> Option<u32> {
        signal::parse(&self.found.record.config.stop_signal).ok()
    }
}

/// An error with all its reasons.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
