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
//! silo host, wineserver is told to write the registry unless the guest says that nothing of it is
//! left to be written, and pid 1 ends, and with it everything inside. It also ends when the silo
//! host does.

mod children;
mod setup;
mod wine;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

pub(crate) use children::heed as heed_children;
use children::{Children, Ending};
pub(crate) use setup::Setup;
use wine::{Program, Wine};

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
    let started = outcome.and_then(|guest| Session::start(wine, guest));
    match started {
        Ok(session) => {
            let _ = link.send(&Report::Up, vec![]);
            session.serve(&mut link)
        }
        Err(kind) => {
            let _ = link.send(&Report::Failed(kind.into()), vec![]);
            1
        }
    }
}

/// Wine, running.
struct Session {
    wine: Wine,
    server: Program,
    guest: Program,
    children: Children,
    /// How those of the two that were reaped have ended, in words.
    words: Vec<String>,
    /// The guest has left nothing of the registry to be written.
    written: bool,
}

impl Session {
    fn start(plan: WinePlan, resident: setup::Resident) -> Result<Self, ErrorKind> {
        let wine = Wine { plan, processors: resident.processors };
        let children = Children::watch()?;
        let server = wine.start_server(&resident.log)?;
        let guest = wine.start_guest(resident.control, &resident.log)?;
        Ok(Self { wine, server, guest, children, words: Vec::new(), written: false })
    }

    fn serve(mut self, link: &mut Conn) -> i32 {
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
                self.reap();
            }
            if host && !matches!(take_orders(&self.wine, link), Ok(true)) {
                return 1;
            }
        }
    }

    /// Who ended, and how. When wineserver goes, the guest follows it without a word.
    ///
    /// Neither is reaped: that takes its entries out of `/proc`, and the kernel goes round and round
    /// until the last of its threads has let go of them, which may want this very processor.
    fn last_words(&mut self) -> String {
        self.guest.ended_within(FOLLOWS_WITHIN);
        for program in [&self.server, &self.guest] {
            if let Some(ending) = program.ending() {
                self.written |= program.pid == self.guest.pid && ending.says_written();
                self.words.push(told(program.pid == self.server.pid, &ending));
            }
        }
        self.words.join(", ")
    }

    /// Takes away those that have ended. One of the two may be among them before its own
    /// descriptor was looked at, so how they ended is kept.
    fn reap(&mut self) {
        let Self { server, guest, words, written, .. } = self;
        self.children.reap(|pid, ending| {
            if pid == server.pid || pid == guest.pid {
                *written |= pid == guest.pid && ending.says_written();
                words.push(told(pid == server.pid, &ending));
            }
        });
    }

    /// Has the registry written. Wineserver takes everything that still runs with it.
    fn end(self) -> i32 {
        self.server.signal(if self.written { Signal::KILL } else { Signal::TERM });
        i32::from(!self.server.ended_within(FLUSH_WITHIN))
    }
}

fn told(is_server: bool, ending: &Ending) -> String {
    format!("{} {ending}", if is_server { "wineserver" } else { "the guest" })
}

/// Carries out what has arrived; `false` when the silo host is gone.
fn take_orders(wine: &Wine, link: &mut Conn) -> io::Result<bool> {
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

#[cfg(test)]
mod tests {
    use schema::guest::REGISTRY_IS_WRITTEN;

    use super::*;

    /// Reaping takes whatever child has ended, also other tests': it needs a process of its own.
    #[test]
    fn how_the_guest_ended_is_known_whenever_it_was_reaped() {
        let name = "sys::init::tests::a_guest_is_reaped_before_its_end_is_seen";
        // Whoever started this may ignore the ends of its children.
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", "trap '' CHLD; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", name])
            .output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    }

    #[test]
    #[ignore = "run by `how_the_guest_ended_is_known_whenever_it_was_reaped`"]
    fn a_guest_is_reaped_before_its_end_is_seen() {
        heed_children();
        let sleeper = |text: &str| {
            let mut command = std::process::Command::new("/bin/sh");
            command.args(["-c", text]);
            wine::start(command).unwrap()
        };
        for (code, reaped) in [(7, true), (7, false), (REGISTRY_IS_WRITTEN, false)] {
            let server = sleeper("exec sleep 1000");
            let guest = sleeper(&format!("exit {code}"));
            assert!(guest.ended_within(Duration::from_mins(1)), "its end is not told");
            let children = Children::watch().unwrap();
            let plan =
                WinePlan { loader: "wine".into(), server: "wineserver".into(), variables: vec![] };
            let wine = Wine { plan, processors: 1 };
            let mut session =
                Session { wine, server, guest, children, words: Vec::new(), written: false };
            if reaped {
                session.reap();
            }
            assert_eq!(session.last_words(), format!("the guest ended with exit code {code}"));
            assert_eq!(session.written, code == REGISTRY_IS_WRITTEN);
            session.server.signal(Signal::KILL);
            assert!(session.server.ended_within(Duration::from_mins(1)), "it was killed");
        }
    }
}
