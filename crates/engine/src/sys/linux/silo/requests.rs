//! What clients ask, and whether the phase allows it.

use schema::guest::{Answer as GuestAnswer, Call, Failure};
use schema::process::ControlEvent;
use schema::{ConsoleSize, ExitCode};

use super::clients::ClientId;
use super::guests::{Awaited, Guests};
use super::host::{Host, Phase};
use crate::error::ErrorKind;
use crate::sys::protocol::{Answer, GUEST, Request, StateName};

/// How long a shutdown waits for what runs inside: HCS' own `WaitToKillServiceTimeout` as hcsshim
/// sets it. Whoever cannot wait terminates.
const SHUTDOWN_GRACE_MS: u64 = 2_147_483_647;

impl Host {
    pub(super) fn on_request(&mut self, client: ClientId, request: Request) {
        match request {
            Request::Start => self.answer(client, Self::start),
            Request::Pause => self.on_pause(client),
            Request::Resume => self.answer(client, Self::resume),
            Request::Shutdown => self.answer(client, Self::shutdown),
            Request::Modify(request) => self.answer(client, |host| host.modify(&request)),
            Request::Terminate => self.terminating.push(client),
            Request::WaitSystem => self.clients.note(&mut self.waiting, client),
            Request::Events => self.clients.note(&mut self.listeners, client),
            Request::Properties(query) => self.on_query(client, &query),
            Request::Spawn(parameters) => self.on_spawn(client, parameters),
            Request::WaitProcess { pid } => self.on_wait(client, pid),
            Request::Signal { pid, event } => self.on_signal(client, pid, event),
            Request::Kill { pid, code } => self.on_kill(client, pid, code),
            Request::Resize { pid, size } => self.on_resize(client, pid, size),
        }
    }

    fn answer(&mut self, client: ClientId, act: impl FnOnce(&mut Self) -> Result<(), ErrorKind>) {
        match act(self) {
            Ok(()) => self.done(client),
            Err(kind) => self.refuse(client, kind),
        }
    }

    /// The refusal that the present phase gives.
    pub(super) fn wrong_phase(&self) -> ErrorKind {
        let name = match self.phase {
            Phase::Booting | Phase::Created => StateName::Created,
            Phase::Running => StateName::Running,
            Phase::Paused => StateName::Paused,
            Phase::Ending => StateName::Ending,
        };
        ErrorKind::InvalidState { state: name.text() }
    }

    fn start(&mut self) -> Result<(), ErrorKind> {
        if self.phase != Phase::Created {
            return Err(self.wrong_phase());
        }
        // Endpoints have been attached since the silo was built.
        self.etc.write(&self.plan)?;
        self.phase = Phase::Running;
        self.started = Some(std::time::SystemTime::now());
        Ok(())
    }

    /// Whoever asks what is paused for its processes shall be told those that ran last, for its guest
    /// stands still too. And whoever looks at its scratch shall find its registry there, which Wine's
    /// server writes only every half minute. The guest answers one after the other; one that does not
    /// answer does not hold it up long, and one that is gone has a session behind it that is about to
    /// end, and is not paused.
    fn on_pause(&mut self, client: ClientId) {
        if self.phase != Phase::Running {
            return self.refuse(client, self.wrong_phase());
        }
        // Without an answer there is only nothing to tell.
        let _ = self.guests.ask(Guests::RESIDENT, Call::Processes, vec![], Awaited::Standing);
        let awaited = Awaited::Flush { client };
        let asked = self.guests.ask(Guests::RESIDENT, Call::FlushRegistry, vec![], awaited);
        match asked {
            Ok(()) => {}
            // It does not listen, which must not keep a container from being paused.
            Err((error, _)) if error.kind() == std::io::ErrorKind::QuotaExceeded => {
                self.on_flushed(client);
            }
            Err((_, awaited)) => self.fail(&awaited, ErrorKind::Disconnected(GUEST)),
        }
    }

    pub(super) fn on_flushed(&mut self, client: ClientId) {
        self.answer(client, Self::pause);
    }

    fn pause(&mut self) -> Result<(), ErrorKind> {
        if self.phase != Phase::Running {
            return Err(self.wrong_phase());
        }
        self.cgroup.freeze(true).inspect_err(|_| {
            let _ = self.cgroup.freeze(false);
        })?;
        self.phase = Phase::Paused;
        Ok(())
    }

    fn resume(&mut self) -> Result<(), ErrorKind> {
        if self.phase != Phase::Paused {
            return Err(self.wrong_phase());
        }
        self.cgroup.freeze(false)?;
        self.phase = Phase::Running;
        self.standing = None;
        Ok(())
    }

    /// Asked twice is asked once.
    fn shutdown(&mut self) -> Result<(), ErrorKind> {
        match self.phase {
            Phase::Ending => return Ok(()),
            Phase::Paused => return Err(self.wrong_phase()),
            Phase::Booting | Phase::Created | Phase::Running => {}
        }
        let call = Call::Shutdown { grace_ms: SHUTDOWN_GRACE_MS };
        self.guests
            .ask(Guests::RESIDENT, call, vec![], Awaited::Shutdown)
            .map_err(|_| ErrorKind::Disconnected(GUEST))?;
        self.phase = Phase::Ending;
        Ok(())
    }

    fn on_wait(&mut self, client: ClientId, pid: u32) {
        match self.processes.get(pid).map(|process| process.exit) {
            None => self.refuse(client, ErrorKind::NotFound("process")),
            Some(None) => {
                if let Some(waiting) = self.processes.waiting_for(pid) {
                    self.clients.note(waiting, client);
                }
            }
            Some(Some(code)) => self.clients.reply(client, &Ok(Answer::Exited(code)), vec![]),
        }
    }

    fn on_signal(&mut self, client: ClientId, pid: u32, event: ControlEvent) {
        self.deliver(client, pid, Call::Signal { pid: Some(pid), event });
    }

    fn on_kill(&mut self, client: ClientId, pid: u32, code: ExitCode) {
        // A frozen process cannot be asked about its end, and its guest is frozen too.
        self.deliver(client, pid, Call::Terminate { pid: Some(pid), exit_code: code.0 });
    }

    /// Asks the guest that started a process to do something to it.
    fn deliver(&mut self, client: ClientId, pid: u32, call: Call) {
        let Some(process) = self.processes.get(pid) else {
            return self.refuse(client, ErrorKind::NotFound("process"));
        };
        if process.exit.is_some() {
            return self.clients.reply(client, &Ok(Answer::Delivered(false)), vec![]);
        }
        if self.phase == Phase::Paused {
            return self.refuse(client, self.wrong_phase());
        }
        let guest = process.guest;
        let asked = self.guests.ask(guest, call, vec![], Awaited::Delivered { client, pid });
        if let Err((_, awaited)) = asked {
            self.fail(&awaited, ErrorKind::Disconnected(GUEST));
        }
    }

    /// A process that ended meanwhile was not reached, whatever the guest says of it.
    pub(super) fn on_delivered(
        &mut self,
        client: ClientId,
        pid: u32,
        result: Result<GuestAnswer, Failure>,
    ) {
        let ended = self.processes.get(pid).is_none_or(|process| process.exit.is_some());
        match result {
            Ok(_) => self.clients.reply(client, &Ok(Answer::Delivered(true)), vec![]),
            Err(failure) if ended || failure.code == ERROR_NOT_FOUND => {
                self.clients.reply(client, &Ok(Answer::Delivered(false)), vec![]);
            }
            Err(failure) => self.refuse(client, ErrorKind::Guest(failure)),
        }
    }

    fn on_resize(&mut self, client: ClientId, pid: u32, size: ConsoleSize) {
        let Some(process) = self.processes.get(pid) else {
            return self.refuse(client, ErrorKind::NotFound("process"));
        };
        if process.exit.is_some() {
            return self.refuse(client, ErrorKind::AlreadyStopped);
        }
        let guest = process.guest;
        if !process.console {
            return self.refuse(client, no_console());
        }
        if let Some(master) = &process.master {
            let rows = rustix::termios::Winsize {
                ws_row: size.height,
                ws_col: size.width,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            if let Err(error) = rustix::termios::tcsetwinsize(master, rows) {
                return self.refuse(client, ErrorKind::io("resize the terminal", error));
            }
        }
        if self.phase == Phase::Paused {
            // The terminal has its size; what runs on it hears of it when it runs again.
            return self.done(client);
        }
        let call = Call::Resize { pid, height: size.height, width: size.width };
        let asked = self.guests.ask(guest, call, vec![], Awaited::Done { client });
        if let Err((_, awaited)) = asked {
            self.fail(&awaited, ErrorKind::Disconnected(GUEST));
        }
    }
}

/// `ERROR_NOT_FOUND`: what a guest answers for a process that it no longer has.
const ERROR_NOT_FOUND: u32 = 1168;

fn no_console() -> ErrorKind {
    ErrorKind::Unsupported {
        what: "resizing a process without a console".into(),
        why: "start it with EmulateConsole".into(),
    }
}
