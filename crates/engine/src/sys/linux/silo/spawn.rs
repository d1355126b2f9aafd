//! Starting processes: with pipes by the resident guest, or each on a terminal with its own guest.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use schema::ConsoleSize;
use schema::guest::{Call, Spawn};
use schema::process::ProcessParameters;

use super::clients::ClientId;
use super::guests::{Awaited, GuestId, Guests};
use super::host::{Host, Phase};
use crate::error::ErrorKind;
use crate::sys::init::Order;
use crate::sys::protocol::{Answer, GUEST, Refusal};
use crate::sys::validate::unsupported;
use crate::sys::wire::{Conn, Descriptors, pair};

/// The host's ends of a process' streams.
#[derive(Debug, Default)]
pub(super) struct HostEnds {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// A terminal, in the place of the three.
    master: Option<OwnedFd>,
}

/// A terminal that was asked of pid 1.
#[derive(Debug)]
pub(super) struct ConsoleStart {
    client: ClientId,
    spawn: Spawn,
    guest: OwnedFd,
}

/// What a console has when nobody says.
const USUAL_SIZE: ConsoleSize = ConsoleSize { height: 25, width: 80 };

/// How long a first program has the silo on one processor: what the start of most takes, and no
/// more than a program can miss that wants many.
const STARTS_WITHIN: Duration = Duration::from_millis(150);

impl Host {
    pub(super) fn on_spawn(&mut self, client: ClientId, parameters: ProcessParameters) {
        let size = parameters.console().unwrap_or(USUAL_SIZE);
        let console = parameters.emulate_console;
        let begun = match self.phase {
            Phase::Running => check(parameters).and_then(|mut spawn| {
                if let Some(tickets) = &self.plan.credentials {
                    let (name, place) = tickets.variable();
                    spawn.environment.entry(name).or_insert(place);
                }
                if console {
                    self.begin_on_console(client, spawn, size)
                } else {
                    self.begin_with_pipes(client, spawn)
                }
            }),
            Phase::Booting | Phase::Created | Phase::Paused | Phase::Ending => {
                Err(self.wrong_phase())
            }
        };
        match begun {
            Ok(()) if self.gathering.is_some() => {
                self.gathered_until.get_or_insert_with(|| Instant::now() + STARTS_WITHIN);
            }
            Ok(()) => {}
            Err(kind) => self.refuse(client, kind),
        }
    }

    fn begin_with_pipes(&mut self, client: ClientId, spawn: Spawn) -> Result<(), ErrorKind> {
        let (ends, theirs) = pipes(&spawn).map_err(|e| ErrorKind::io("make pipes", e))?;
        let awaited = Awaited::Spawn { client, ends };
        self.guests
            .ask(Guests::RESIDENT, Call::Spawn(spawn), theirs, awaited)
            .map_err(|_| ErrorKind::Disconnected(GUEST))
    }

    fn begin_on_console(
        &mut self,
        client: ClientId,
        spawn: Spawn,
        size: ConsoleSize,
    ) -> Result<(), ErrorKind> {
        let (guest, theirs) = pair().map_err(|e| ErrorKind::io("make a socket pair", e))?;
        // Wine's console host would take the one processor for all that there are: it starts before
        // the guest can tell it better.
        self.disperse();
        let order = Order::Console { height: size.height, width: size.width };
        self.link
            .send(&order, vec![theirs])
            .map_err(|e| ErrorKind::io("ask pid 1 for a terminal", e))?;
        self.consoles.push_back(ConsoleStart { client, spawn, guest });
        Ok(())
    }

    /// Pid 1 has answered the oldest open order.
    pub(super) fn on_console(&mut self, outcome: Result<(), Refusal>, master: Option<OwnedFd>) {
        let Some(start) = self.consoles.pop_front() else { return };
        let conn = Conn::new(start.guest, Descriptors::Dropped);
        match (outcome, master, conn) {
            (Ok(()), Some(master), Ok(conn)) => {
                self.guests.add(conn, (start.spawn, start.client, master));
            }
            (Err(refusal), ..) => self.refuse(start.client, refusal.into()),
            _ => self.refuse(start.client, ErrorKind::Disconnected("pid 1")),
        }
    }

    /// A terminal's guest is ready for its one process.
    pub(super) fn start_on_console(
        &mut self,
        guest: GuestId,
        (spawn, client, master): (Spawn, ClientId, OwnedFd),
    ) {
        let ends = HostEnds { master: Some(master), ..HostEnds::default() };
        let asked =
            self.guests.ask(guest, Call::Spawn(spawn), vec![], Awaited::Spawn { client, ends });
        if let Err((_, awaited)) = asked {
            self.fail(&awaited, ErrorKind::Disconnected(GUEST));
        }
    }

    pub(super) fn on_spawned(
        &mut self,
        guest: GuestId,
        client: ClientId,
        pid: u32,
        ends: HostEnds,
    ) {
        let kept = ends.master.as_ref().and_then(|fd| fcntl_dupfd_cloexec(fd, 0).ok());
        self.processes.add(pid, guest, kept);
        let answer = Answer::Spawned {
            pid,
            console: ends.master.is_some(),
            stdin: ends.stdin.is_some(),
            stdout: ends.stdout.is_some(),
            stderr: ends.stderr.is_some(),
        };
        let fds = [ends.master, ends.stdin, ends.stdout, ends.stderr];
        self.clients.reply(client, &Ok(answer), fds.into_iter().flatten().collect());
    }
}

/// What a guest is asked, or why it cannot be.
fn check(parameters: ProcessParameters) -> Result<Spawn, ErrorKind> {
    if !parameters.command_args.is_empty() || parameters.oci_process.is_some() {
        return Err(unsupported(
            "a process given by CommandArgs or OciProcess",
            "those are for Linux containers; give a CommandLine",
        ));
    }
    if parameters.restricted_token {
        return Err(unsupported("RestrictedToken", "Wine's tokens restrict nothing"));
    }
    if parameters.command_line.trim().is_empty() {
        return Err(ErrorKind::InvalidDocument {
            field: "CommandLine".into(),
            value: parameters.command_line,
            rule: "it must name a program".into(),
        });
    }
    let console = parameters.emulate_console;
    Ok(Spawn {
        command_line: parameters.command_line,
        working_directory: parameters.working_directory,
        environment: parameters.environment,
        user: parameters.user,
        stdin: parameters.create_std_in_pipe && !console,
        stdout: parameters.create_std_out_pipe && !console,
        stderr: parameters.create_std_err_pipe && !console,
        console,
    })
}

/// A pipe for each stream that is asked for: ours, and theirs in the order of the protocol.
fn pipes(spawn: &Spawn) -> rustix::io::Result<(HostEnds, Vec<OwnedFd>)> {
    let mut ends = HostEnds::default();
    let mut theirs = Vec::new();
    if spawn.stdin {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        ends.stdin = Some(writer);
        theirs.push(reader);
    }
    for (wanted, end) in [(spawn.stdout, &mut ends.stdout), (spawn.stderr, &mut ends.stderr)] {
        if wanted {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            *end = Some(reader);
            theirs.push(writer);
        }
    }
    Ok((ends, theirs))
}
