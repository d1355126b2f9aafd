//! A container's life, one run after another.
//!
//! ```text
//! created --start--> running <--pause/unpause--> paused
//!    ^                  |
//!    |               exited --policy--> restarting --back-off--> running
//!  (failed)             +--no policy--> exited for good, or removed with --rm
//! ```
//!
//! What is asked for while it runs is answered in [`super::calls`]; how it ends is in
//! [`super::ending`].

use std::time::Duration;

use anyhow::Result;
use engine::os::streams::{Listener, Stream};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::audience::Audience;
use super::calls::Stopping;
use super::health::Checks;
use super::pump::Stdin;
use super::restart::{self, Backoff};
use super::run::{Ended, Run};
use super::serve::{self, Desk, Message, Seat};
use crate::attach::socket;
use crate::attach::wire::{Ask, Exit, Failure};
use crate::host::{Host, failure, sweep};
use crate::store::{Found, Lock, Status};

/// Calls that may wait.
const INBOX: usize = 16;

/// Owns a container while it runs.
pub(super) struct Driver {
    pub(super) host: Host,
    pub(super) found: Found,
    pub(super) audience: Audience,
    pub(super) stdin: Stdin,
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) stopping: Stopping,
    pub(super) checks: Checks,
    pub(super) server: JoinHandle<()>,
    pub(super) closing: Option<oneshot::Sender<()>>,
    pub(super) lock: Option<Lock>,
    /// It went out of sight before all was given back.
    pub(super) gone_first: bool,
    /// All that its last run held was given back.
    pub(super) given_back: bool,
}

impl Driver {
    /// Takes the container's lock and begins to listen.
    pub(super) async fn open(host: Host, id: &str, mut first: Option<Stream>) -> Result<Self> {
        let audience = Audience::default();
        let seat = welcome(&mut first, &audience).await?;
        let first = first.zip(seat);
        match Self::prepare(&host, id).await {
            Ok(prepared) => Ok(Self::begin(host, prepared, audience, first)),
            Err(error) => {
                audience.failed(failure::of(&error));
                audience.close();
                if let Some((stream, seat)) = first {
                    serve::last_words(stream, seat).await;
                }
                Err(error)
            }
        }
    }

    async fn prepare(host: &Host, id: &str) -> Result<(Found, Lock, Listener)> {
        let folder = host.store.folder(id);
        let Some(lock) = folder.try_lock()? else {
            anyhow::bail!("container {id} is already running or being removed");
        };
        let found = host.store.load(id)?;
        // What a killed monitor left is in this one's way.
        if folder.is_live() {
            sweep::give_back(host, &found.record.id).await?;
        }
        crate::store::private_dir(&host.dirs.monitors())?;
        let listener = socket::listen(&host.dirs.monitors(), id)?;
        Ok((found, lock, listener))
    }

    fn begin(
        host: Host,
        (found, lock, listener): (Found, Lock, Listener),
        audience: Audience,
        first: Option<(Stream, Seat)>,
    ) -> Self {
        let (calls, inbox) = mpsc::channel(INBOX);
        let stdin = Stdin::default();
        let desk = Desk {
            audience: audience.clone(),
            stdin: stdin.clone(),
            stdin_once: found.record.config.stdin_once,
            inbox: calls,
        };
        let (closing, closed) = oneshot::channel();
        let server = tokio::spawn(serve::accept(listener, desk, first, closed));
        let stopping = Stopping::default();
        Self {
            host,
            found,
            audience,
            stdin,
            inbox,
            stopping,
            checks: Checks::default(),
            server,
            closing: Some(closing),
            lock: Some(lock),
            gone_first: false,
            given_back: false,
        }
    }

    /// Runs the container until it has ended for good.
    pub(super) async fn run(mut self) -> Result<()> {
        self.found.state.stopped_by_user = false;
        self.found.state.restart_count = 0;
        let mut backoff = Backoff::default();
        let last = loop {
            let (exit, lasted) = match Box::pin(self.once()).await {
                Ok(ended) => ended,
                Err(failure) => break Err(failure),
            };
            if !self.starts_again(&exit) {
                break Ok(exit);
            }
            self.audience.exited(exit.clone());
            if !self.rest(backoff.after(lasted)).await {
                break Ok(exit);
            }
        };
        self.finish(last).await
    }

    /// One run, recorded from its start to its end.
    async fn once(&mut self) -> Result<(Exit, Duration), Failure> {
        let run = match self.start().await {
            Ok(run) => run,
            Err(error) => return Err(self.note_failure(&error).await),
        };
        let began = tokio::time::Instant::now();
        self.audience.started(run.pid);
        let (mut run, mut ended) = self.supervise(run).await;
        let lasted = began.elapsed();
        self.drain(&mut run).await;
        self.gone_first = self.go_first(&ended).await;
        if !self.gone_first {
            ended.exit.oom_killed = run.was_out_of_memory().await;
            self.note_end(&ended);
        }
        let ending = run.finish(&ended);
        let given_back = sweep::after_run(&self.host, &self.found.record.id, ending).await;
        self.given_back = given_back.is_ok();
        if let Err(error) = given_back {
            tracing::error!(error = %format!("{error:#}"), "not everything was given back");
            self.found.state.error = format!("{error:#}");
        }
        Ok((ended.exit, lasted))
    }

    async fn start(&mut self) -> Result<Run> {
        self.found.folder.set_live()?;
        let run = Run::start(self).await?;
        let state = &mut self.found.state;
        state.status = Status::Running;
        state.pid = run.pid;
        state.started_at = Some(Timestamp::now());
        (state.exit_code, state.oom_killed) = (0, false);
        state.error.clear();
        state.endpoints.clone_from(&run.endpoints);
        state.namespace.clone_from(&run.namespace);
        state.shim = Some(run.client.address().to_owned());
        state.health = None;
        self.start_checks(&run.client);
        self.save();
        self.event("start", &[]);
        Ok(run)
    }

    /// The container could not be started: gives everything back and tells why.
    async fn note_failure(&mut self, error: &anyhow::Error) -> Failure {
        let failure = failure::of(error);
        if let Err(error) = sweep::give_back(&self.host, &self.found.record.id).await {
            tracing::error!(error = %format!("{error:#}"), "not everything was given back");
        }
        let state = &mut self.found.state;
        state.error.clone_from(&failure.message);
        state.exit_code = failure.status.into();
        self.note_stop();
        failure
    }

    pub(super) fn note_end(&mut self, ended: &Ended) {
        let state = &mut self.found.state;
        state.exit_code = ended.exit.code;
        state.oom_killed = ended.exit.oom_killed;
        state.error = ended.exit.error.clone().unwrap_or_default();
        let started = state.started_at;
        if state.started_at.is_some() {
            state.status = Status::Exited;
        }
        state.finished_at = Some(Timestamp::now());
        self.note_stop();
        if ended.exit.oom_killed {
            self.event("oom", &[]);
        }
        let lasted = started.map_or(0, |at| Timestamp::now().duration_since(at).as_secs());
        let (code, lasted) = (ended.exit.code.to_string(), lasted.to_string());
        self.event("die", &[("exitCode", &code), ("execDuration", &lasted)]);
    }

    fn note_stop(&mut self) {
        self.end_checks();
        let state = &mut self.found.state;
        state.pid = 0;
        state.endpoints.clear();
        state.namespace = None;
        state.shim = None;
        self.save();
    }

    /// The policy may have been changed while it ran.
    fn starts_again(&mut self, exit: &Exit) -> bool {
        if let Ok(record) = self.found.folder.read_record() {
            self.found.record = record;
        }
        let policy = &self.found.record.host_config.restart_policy;
        let state = &self.found.state;
        restart::wanted(policy, exit.code, state.restart_count, state.stopped_by_user)
    }

    /// Waits out the back-off; `false` when the user stops the container meanwhile.
    async fn rest(&mut self, wait: Duration) -> bool {
        self.found.state.status = Status::Restarting;
        self.found.state.restart_count += 1;
        self.save();
        let until = tokio::time::Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return true,
                Some(message) = self.inbox.recv() => {
                    if self.on_call_while_resting(message) {
                        self.found.state.status = Status::Exited;
                        self.save();
                        return false;
                    }
                }
            }
        }
    }

    /// Replaces the container's state. A disk that is full must not end the container.
    pub(super) fn save(&self) {
        if let Err(error) = self.found.folder.write_state(&self.found.state) {
            tracing::error!(error = %format!("{error:#}"), "the container's state was not recorded");
        }
    }

    pub(super) fn event(&self, action: &str, attributes: &[(&str, &str)]) {
        self.host.events.container(&self.found.record, action, attributes);
    }
}

/// The first connection gets its place before anything happens, so that it misses nothing.
async fn welcome(first: &mut Option<Stream>, audience: &Audience) -> Result<Option<Seat>> {
    let Some(stream) = first else { return Ok(None) };
    match Ask::read(stream).await? {
        Some(Ask::Hello(hello)) => Ok(Some(Seat::take(audience, hello))),
        // The command was killed before it could say what it wants to see.
        _ => Ok(None),
    }
}
