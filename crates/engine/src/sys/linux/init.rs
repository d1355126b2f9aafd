//! Pid 1 of a silo: sets the namespaces up, starts Wine, and starts a guest on a terminal when
//! asked.
//!
//! ```text
//! silo host (host root) --fork--> pid 1: builds mounts as host root, then becomes the
//!                                 container's root without capabilities, then starts
//!                                   ├─ wineserver
//!                                   ├─ wine64 transom-guest.exe            resident
//!                                   └─ wine64 transom-guest.exe on a pty   per console
//! ```
//!
//! It is a fork without an `exec`: its memory stays out of reach of what it starts, which has the
//! same ids. The session is over when the resident guest or wineserver ends; how is told to the
//! silo host, wineserver is told to write the registry, and pid 1 ends, and with it everything
//! inside. It also ends when the silo host does.

mod children;
mod setup;
mod wine;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitStatus};
use serde::{Deserialize, Serialize};

use children::{Children, ending};
pub(crate) use setup::Setup;
use wine::Program;

use super::plan::WinePlan;
use super::protocol::Refusal;
use super::wire::{Conn, Descriptors};
use crate::error::ErrorKind;

/// What the silo host asks of pid 1.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// A guest on a new terminal. Descriptor: the guest's end of its socket.
    Console { height: u16, width: u16 },
}

/// What pid 1 tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// Namespaces are set up and Wine is started.
    Up,
    /// They could not be.
    Failed(Refusal),
    /// A terminal. Descriptor: its master.
    Console(Result<(), Refusal>),
    /// The session is over, and this is who ended, and how.
    Over(String),
}

/// How long wineserver may take to write the registry.
const FLUSH_WITHIN: Duration = Duration::from_secs(20);

/// How long the guest may take to notice that wineserver is gone.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(100);

/// The life of pid 1, from the fork to its exit code.
pub(crate) fn run(setup: Setup) -> i32 {
    let wine = setup.wine.clone();
    let (link, outcome) = setup.carry_out();
    let Ok(mut link) = Conn::new(link, Descriptors::Taken) else { return 1 };
    let started = outcome.and_then(|guest| Session::start(&wine, guest));
    match started {
        Ok(session) => {
            let _ = link.send(&Report::Up, vec![]);
            session.serve(&wine, &mut link)
        }
        Err(kind) => {
            let _ = link.send(&Report::Failed(kind.into()), vec![]);
            1
        }
    }
}

/// Wine, running.
struct Session {
    server: Program,
    guest: Program,
    children: Children,
}

impl Session {
    fn start(wine: &WinePlan, resident: setup::Resident) -> Result<Self, ErrorKind> {
        let children = Children::watch()?;
        let server = wine.start_server(&resident.log)?;
        let guest = wine.start_guest(resident.control, &resident.log)?;
        Ok(Self { server, guest, children })
    }

    fn serve(self, wine: &WinePlan, link: &mut Conn) -> i32 {
        loop {
            let mut watched = [
                PollFd::new(&*link, PollFlags::IN),
                PollFd::from_borrowed_fd(self.guest.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.server.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.children.as_fd(), PollFlags::IN),
            ];
            if poll(&mut watched, None).is_err() {
                continue;
            }
            let [host, guest, server, child] = watched.map(|fd| !fd.revents().is_empty());
            if guest || server {
                let _ = link.send(&Report::Over(self.last_words()), vec![]);
                return self.end();
            }
            if child {
                self.children.reap(|_, _| ());
            }
            if host && !matches!(take_orders(wine, link), Ok(true)) {
                return 1;
            }
        }
    }

    /// Who ended, and how. When wineserver goes, the guest follows it without a word.
    fn last_words(&self) -> String {
        self.guest.ended_within(FOLLOWS_WITHIN);
        let mut words = Vec::new();
        self.children.reap(|pid, status| words.extend(self.name(pid).map(|name| (name, status))));
        let told = |(name, status): &(&str, WaitStatus)| format!("{name} {}", ending(*status));
        words.iter().map(told).collect::<Vec<_>>().join(", ")
    }

    fn name(&self, pid: Pid) -> Option<&'static str> {
        let known = [(self.server.pid, "wineserver"), (self.guest.pid, "the guest")];
        known.into_iter().find(|(its, _)| *its == pid).map(|(_, name)| name)
    }

    /// Has the registry written. Wineserver takes everything that still runs with it.
    fn end(self) -> i32 {
        self.server.signal(Signal::TERM);
        i32::from(!self.server.ended_within(FLUSH_WITHIN))
    }
}

/// Carries out what has arrived; `false` when the silo host is gone.
fn take_orders(wine: &WinePlan, link: &mut Conn) -> io::Result<bool> {
    let open = link.fill()?;
    while let Some(order) = link.next()? {
        let Order::Console { height, width } = order;
        let control = link.take_fds().pop();
        let opened = control
            .ok_or_else(|| ErrorKind::io("start a console", io::Error::other("no socket came")))
            .and_then(|control| wine.start_on_terminal(control, height, width));
        match opened {
            Ok(master) => link.send(&Report::Console(Ok(())), vec![master])?,
            Err(kind) => link.send(&Report::Console(Err(kind.into())), vec![])?,
        }
    }
    Ok(open)
}

/// Waits until `fd` is readable, at most until `deadline`.
fn readable_before(fd: impl AsFd, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    let Ok(left) = Timespec::try_from(left) else { return false };
    let mut watched = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
    poll(&mut watched, Some(&left)).is_ok_and(|ready| ready > 0)
}

/// The number that a child will know a descriptor by.
fn raw(fd: &OwnedFd) -> i32 {
    fd.as_raw_fd()
}
