//! The silo host's state, and the one loop over everything that can happen to it.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use schema::guest::{Answer as GuestAnswer, Call, Event, Failure};
use schema::properties::ProcessDetails;
use schema::{ExitCode, SystemId};

use super::clients::{ClientId, Clients};
use super::guests::{Awaited, GuestId, Guests, Heard};
use super::processes::Processes;
use super::reached::ReachedPipe;
use super::spawn::ConsoleStart;
use crate::error::ErrorKind;
use crate::sys::cgroup::{Cgroup, Gathering, OomWatch};
use crate::sys::claim::Claim;
use crate::sys::disk::Server;
use crate::sys::idmap::IdMap;
use crate::sys::init::Report;
use crate::sys::mounts::EtcFiles;
use crate::sys::namespaces::Child;
use crate::sys::plan::{PipePlan, SiloPlan};
use crate::sys::protocol::{Answer, GUEST};
use crate::sys::wire::Conn;

/// Where the system is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Being built; nobody can find it.
    Booting,
    /// Built, not started.
    Created,
    /// Processes may run.
    Running,
    /// Frozen.
    Paused,
    /// Asked to shut down.
    Ending,
}

/// A compute system.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: SystemId,
    pub(super) plan: SiloPlan,
    pub(super) claim: Claim,
    pub(super) cgroup: Cgroup,
    pub(super) oom: OomWatch,
    pub(super) etc: EtcFiles,
    /// While it is kept on one processor.
    pub(super) gathering: Option<Gathering>,
    /// Once the first program has been asked for.
    pub(super) gathered_until: Option<Instant>,
    pub(super) ids: IdMap,
    pub(super) pid_one: Child,
    pub(super) link: Conn,
    /// Pid 1 has closed its end: it is about to end, which may take longer than a moment.
    pub(super) link_is_over: bool,
    pub(super) guests: Guests,
    /// Pipes that the guest serves.
    pub(super) served: Vec<PipePlan>,
    /// Pipes that programs inside serve.
    pub(super) reached: Vec<ReachedPipe>,
    /// What serves the disks that are mounted inside.
    pub(super) servers: Vec<Server>,
    /// Terminals asked of pid 1, in the order of its answers.
    pub(super) consoles: VecDeque<ConsoleStart>,
    pub(super) processes: Processes,
    /// What stands still: nobody inside can tell.
    pub(super) standing: Option<Vec<ProcessDetails>>,
    pub(super) clients: Clients,
    pub(super) phase: Phase,
    pub(super) created: SystemTime,
    pub(super) started: Option<SystemTime>,
    /// What Wine says while it starts.
    pub(super) log: Option<OwnedFd>,
    /// A shared lock on the platform layer.
    pub(super) _platform: File,
    /// Who hears of memory running out.
    pub(super) listeners: Vec<ClientId>,
    /// How many kills for memory an exit code has told of.
    pub(super) explained_kills: u64,
    /// Who waits for the end.
    pub(super) waiting: Vec<ClientId>,
    /// Who asked for the end.
    pub(super) terminating: Vec<ClientId>,
}

/// What a descriptor belongs to.
#[derive(Debug, Clone, Copy)]
enum Source {
    PidOne,
    Link,
    Oom,
    Listener,
    Guest(GuestId),
    Client(ClientId),
    Reached(usize),
}

impl Host {
    /// Serves until the system has ended and nothing of it is left.
    pub(super) fn run(mut self) {
        while self.terminating.is_empty() {
            let ready = self.wait_for_something();
            if ready.iter().any(|(source, _)| matches!(source, Source::PidOne)) {
                // The last words of the guests may lie in front of the end.
                self.hear_everyone();
                break;
            }
            for (source, events) in ready {
                self.on_ready(source, events);
            }
            self.give_up_overdue();
            self.disperse_in_time();
        }
        self.finish();
    }

    fn wait_for_something(&self) -> Vec<(Source, PollFlags)> {
        let (sources, mut watched) = self.watched();
        let deadlines = [self.guests.next_deadline(), self.gathered_until];
        let next = deadlines.into_iter().flatten().min();
        let left = next.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        if poll(&mut watched, left.as_ref()).is_err() {
            return Vec::new();
        }
        let events = watched.iter().map(PollFd::revents);
        sources.into_iter().zip(events).filter(|(_, events)| !events.is_empty()).collect()
    }

    fn watched(&self) -> (Vec<Source>, Vec<PollFd<'_>>) {
        let mut all = vec![
            (Source::PidOne, PollFd::from_borrowed_fd(self.pid_one.pidfd(), PollFlags::IN)),
            (Source::Oom, PollFd::new(&self.oom, self.oom.interest())),
        ];
        // Closed, it would have something to tell all the time.
        if !self.link_is_over {
            all.push((Source::Link, conn(&self.link)));
        }
        let listener = self.clients.listener();
        all.extend(
            listener.map(|fd| (Source::Listener, PollFd::from_borrowed_fd(fd, PollFlags::IN))),
        );
        // A guest that does not keep up gets no more of them.
        if !self.guests.is_behind(Guests::RESIDENT) {
            all.extend(
                self.reached
                    .iter()
                    .enumerate()
                    .map(|(at, pipe)| (Source::Reached(at), PollFd::new(pipe, PollFlags::IN))),
            );
        }
        all.extend(self.guests.iter().map(|(id, guest)| (Source::Guest(id), conn(&guest.conn))));
        all.extend(self.clients.iter().map(|(id, client)| (Source::Client(id), conn(client))));
        all.into_iter().unzip()
    }

    fn on_ready(&mut self, source: Source, events: PollFlags) {
        match source {
            Source::PidOne => {}
            Source::Link => self.on_link(),
            Source::Oom => self.on_oom(),
            Source::Listener => self.clients.accept(),
            Source::Reached(at) => self.on_reached(at),
            Source::Guest(id) => {
                if events.contains(PollFlags::OUT) {
                    let _ = self.guests.get(id).map(|guest| guest.conn.flush());
                }
                self.on_guest(id);
            }
            Source::Client(id) => {
                if events.contains(PollFlags::OUT) {
                    self.clients.flush(id);
                }
                for request in self.clients.requests(id) {
                    self.on_request(id, request);
                }
            }
        }
    }

    fn on_link(&mut self) {
        let _ = self.link.flush();
        self.link_is_over = !self.link.fill().unwrap_or(false);
        while let Ok(Some(report)) = self.link.next() {
            match report {
                Report::Console(outcome) => {
                    let master = self.link.take_fds().pop();
                    self.on_console(outcome, master);
                }
                Report::Up | Report::Failed(_) | Report::Over(_) => {}
            }
        }
    }

    pub(super) fn on_oom(&mut self) {
        if self.oom.hit() {
            for client in self.listeners.clone() {
                self.clients.reply(client, &Ok(Answer::OutOfMemory), vec![]);
            }
        }
    }

    fn hear_everyone(&mut self) {
        let guests: Vec<GuestId> = self.guests.iter().map(|(id, _)| id).collect();
        for id in guests {
            self.on_guest(id);
        }
        self.on_oom();
    }

    pub(super) fn on_guest(&mut self, id: GuestId) {
        let Some(guest) = self.guests.get(id) else { return };
        let (heard, open) = guest.hear();
        for one in heard {
            match one {
                Heard::Answer(awaited, result) => self.on_answer(id, awaited, result),
                Heard::Event(event) => self.on_event(id, &event),
            }
        }
        if !open {
            self.on_guest_gone(id);
        }
    }

    fn on_event(&mut self, guest: GuestId, event: &Event) {
        match event {
            Event::Ready { version } => self.on_guest_ready(guest, version),
            Event::Exited { pid, exit_code } => {
                self.on_process_end(*pid, guest, ExitCode(*exit_code));
            }
            Event::PipeClient { name, client } => self.on_pipe_client(guest, name, *client),
        }
    }

    fn on_process_end(&mut self, pid: u32, guest: GuestId, code: ExitCode) {
        let code = self.blame_memory(code);
        for client in self.processes.ended(pid, guest, code) {
            self.clients.reply(client, &Ok(Answer::Exited(code)), vec![]);
        }
    }

    /// Wine tells 0 of a process that the kernel killed. One that ends so, after a kill that no
    /// other end has explained, ended by it: itself, or a program that it waited for.
    fn blame_memory(&mut self, code: ExitCode) -> ExitCode {
        self.on_oom();
        let unexplained = self.oom.killed() > self.explained_kills;
        if code != ExitCode(0) || !unexplained {
            return code;
        }
        self.explained_kills = self.oom.killed();
        STATUS_COMMITMENT_LIMIT
    }

    fn on_guest_ready(&mut self, id: GuestId, version: &str) {
        if version != env!("CARGO_PKG_VERSION") {
            let message =
                format!("the guest is version {version}, the engine {}", env!("CARGO_PKG_VERSION"));
            self.guests.fail_boot(Failure { code: ERROR_REVISION_MISMATCH, message });
            return;
        }
        if let Some(guest) = self.guests.get(id) {
            guest.ready = true;
            if let Some(program) = guest.program.take() {
                self.start_on_console(id, program);
            }
        }
    }

    /// A guest went away: its processes' ends will never be told, and nothing that it owed.
    fn on_guest_gone(&mut self, id: GuestId) {
        let program = self.guests.get(id).and_then(|guest| guest.program.take());
        for awaited in self.guests.remove(id) {
            self.fail(&awaited, ErrorKind::Disconnected(GUEST));
        }
        if let Some((_, client, _)) = program {
            self.refuse(client, ErrorKind::Disconnected(GUEST));
        }
        for pid in self.processes.running_of(id) {
            self.on_process_end(pid, id, ExitCode::UNKNOWN);
        }
    }

    fn give_up_overdue(&mut self) {
        for awaited in self.guests.overdue(Instant::now()) {
            let after = super::guests::ANSWER_WITHIN;
            self.fail(&awaited, ErrorKind::TimedOut { what: "the guest's answer", after });
        }
    }

    fn disperse_in_time(&mut self) {
        if self.gathered_until.is_some_and(|until| until <= Instant::now()) {
            self.disperse();
        }
    }

    /// Lets the silo use all its processors.
    pub(super) fn disperse(&mut self) {
        let Some(gathering) = &self.gathering else { return };
        if gathering.end().is_err() {
            self.gathered_until = Some(Instant::now() + AGAIN_AFTER);
            return;
        }
        (self.gathering, self.gathered_until) = (None, None);
        // A guest that is gone has no processes either.
        let _ = self.guests.ask(Guests::RESIDENT, Call::Disperse, vec![], Awaited::Nothing);
    }

    fn on_answer(
        &mut self,
        guest: GuestId,
        awaited: Awaited,
        result: Result<GuestAnswer, Failure>,
    ) {
        match (awaited, result) {
            (Awaited::BootRegistry | Awaited::BootPipe, Err(failure)) => {
                self.guests.fail_boot(failure);
            }
            (Awaited::Spawn { client, ends }, Ok(GuestAnswer::Spawned { pid })) => {
                self.on_spawned(guest, client, pid, ends);
            }
            (Awaited::Delivered { client, pid }, result) => {
                self.on_delivered(client, pid, result);
            }
            (Awaited::Processes { client, mut properties }, Ok(answer)) => {
                if let GuestAnswer::Processes { processes } = answer {
                    properties.process_list = Some(processes);
                }
                self.clients.reply(client, &Ok(Answer::Properties(properties)), vec![]);
            }
            (Awaited::Done { client }, Ok(_)) => self.done(client),
            (Awaited::Standing, Ok(GuestAnswer::Processes { processes })) => {
                self.standing = Some(processes);
            }
            (Awaited::Flush { client }, _) => self.on_flushed(client),
            (
                Awaited::BootRegistry
                | Awaited::BootPipe
                | Awaited::Nothing
                | Awaited::Standing
                | Awaited::Shutdown,
                _,
            ) => {}
            (awaited, Err(failure)) => self.fail(&awaited, ErrorKind::Guest(failure)),
            (awaited @ Awaited::Spawn { .. }, Ok(_)) => {
                self.fail(&awaited, ErrorKind::Disconnected(GUEST));
            }
        }
    }

    pub(super) fn fail(&mut self, awaited: &Awaited, why: ErrorKind) {
        match awaited {
            Awaited::Flush { client } if !matches!(why, ErrorKind::Disconnected(_)) => {
                self.on_flushed(*client);
            }
            Awaited::Flush { client }
            | Awaited::Spawn { client, .. }
            | Awaited::Delivered { client, .. }
            | Awaited::Done { client }
            | Awaited::Processes { client, .. } => self.refuse(*client, why),
            Awaited::BootRegistry
            | Awaited::BootPipe
            | Awaited::Nothing
            | Awaited::Standing
            | Awaited::Shutdown => {}
        }
    }

    pub(super) fn done(&mut self, client: ClientId) {
        self.clients.reply(client, &Ok(Answer::Done), vec![]);
    }

    pub(super) fn refuse(&mut self, client: ClientId, why: ErrorKind) {
        self.clients.reply(client, &Err(why.into()), vec![]);
    }
}

/// What Windows gives a process that may commit no more memory.
const STATUS_COMMITMENT_LIMIT: ExitCode = ExitCode(0xC000_012D);

/// `ERROR_REVISION_MISMATCH`.
const ERROR_REVISION_MISMATCH: u32 = 1306;

/// When a silo that could not be let go is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

fn conn(conn: &Conn) -> PollFd<'_> {
    let write = if conn.wants_write() { PollFlags::OUT } else { PollFlags::empty() };
    PollFd::new(conn, PollFlags::IN | write)
}
