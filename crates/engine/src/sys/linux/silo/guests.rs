//! The guests inside: the resident one, and one for each terminal.
//!
//! A guest is as hostile as what it runs with. Its frames are bounded, its descriptors dropped, an
//! answer to nothing is ignored, and one that breaks the form is cut off.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use schema::guest::{Answer, Call, Event, Failure, Message, Request, Spawn};
use schema::properties::Properties;

use super::clients::ClientId;
use super::spawn::HostEnds;
use crate::sys::wire::Conn;

/// Which guest.
pub(super) type GuestId = u32;

/// How long a guest may take to answer; a program's start is the slowest of what is asked.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// The most that a guest may owe: one that answers nothing and has ever more asked of it, as it can by
/// its pipes' clients, would fill our memory.
const MOST_OPEN: usize = 4096;

/// How long a pause waits for the registry: it is only the better for it.
const FLUSH_WITHIN: Duration = Duration::from_secs(10);

/// What a guest's answer is for.
#[derive(Debug)]
pub(super) enum Awaited {
    /// The registry values of the document.
    BootRegistry,
    /// A pipe of the document.
    BootPipe,
    /// Something that nobody waits for.
    Nothing,
    /// A process; its streams go to the client.
    Spawn { client: ClientId, ends: HostEnds },
    /// Something that is done to a process.
    Delivered { client: ClientId, pid: u32 },
    /// Something with no answer of its own.
    Done { client: ClientId },
    /// The registry on disk, before everything stands still.
    Flush { client: ClientId },
    /// What runs, before everything stands still.
    Standing,
    /// The list that completes a query.
    Processes { client: ClientId, properties: Box<Properties> },
    /// The end of the session, of which pid 1 tells better.
    Shutdown,
}

/// A guest's link.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) conn: Conn,
    pub(super) ready: bool,
    /// What a terminal's guest is there for, until it is ready.
    pub(super) program: Option<(Spawn, ClientId, OwnedFd)>,
    open: BTreeMap<u64, (Instant, Awaited)>,
    next_request: u64,
}

/// Every guest.
#[derive(Debug)]
pub(super) struct Guests {
    links: BTreeMap<GuestId, Guest>,
    next: GuestId,
    boot_failure: Option<Failure>,
}

impl Guests {
    /// The resident guest's number.
    pub(super) const RESIDENT: GuestId = 0;

    pub(super) fn with_resident(conn: Conn) -> Self {
        let links = BTreeMap::from([(Self::RESIDENT, Guest::new(conn, None))]);
        Self { links, next: Self::RESIDENT + 1, boot_failure: None }
    }

    pub(super) fn add(&mut self, conn: Conn, program: (Spawn, ClientId, OwnedFd)) {
        self.links.insert(self.next, Guest::new(conn, Some(program)));
        self.next += 1;
    }

    pub(super) fn resident(&self) -> Option<BorrowedFd<'_>> {
        self.links.get(&Self::RESIDENT).map(|guest| guest.conn.as_fd())
    }

    pub(super) fn resident_is_ready(&self) -> bool {
        self.links.get(&Self::RESIDENT).is_some_and(|guest| guest.ready)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (GuestId, &Guest)> {
        self.links.iter().map(|(id, guest)| (*id, guest))
    }

    pub(super) fn get(&mut self, id: GuestId) -> Option<&mut Guest> {
        self.links.get_mut(&id)
    }

    /// Cuts a guest off; what it still owed.
    pub(super) fn remove(&mut self, id: GuestId) -> Vec<Awaited> {
        let Some(guest) = self.links.remove(&id) else { return Vec::new() };
        guest.open.into_values().map(|(_, awaited)| awaited).collect()
    }

    /// Asks a guest for something.
    pub(super) fn ask(
        &mut self,
        id: GuestId,
        call: Call,
        fds: Vec<OwnedFd>,
        awaited: Awaited,
    ) -> Result<(), (io::Error, Awaited)> {
        let Some(guest) = self.links.get_mut(&id) else {
            return Err((io::ErrorKind::NotConnected.into(), awaited));
        };
        if guest.open.len() >= MOST_OPEN {
            return Err((io::ErrorKind::QuotaExceeded.into(), awaited));
        }
        let request = Request { id: guest.next_request, call };
        guest.next_request += 1;
        if let Err(error) = guest.conn.send(&request, fds) {
            return Err((error, awaited));
        }
        let within = match awaited {
            Awaited::Flush { .. } => FLUSH_WITHIN,
            _ => ANSWER_WITHIN,
        };
        guest.open.insert(request.id, (Instant::now() + within, awaited));
        Ok(())
    }

    /// Something waits to be sent to a guest that does not read.
    pub(super) fn is_behind(&self, id: GuestId) -> bool {
        self.links.get(&id).is_none_or(|guest| guest.conn.wants_write())
    }

    /// Whether an answer of this kind is still to come.
    pub(super) fn awaits(&self, kind: &Awaited) -> bool {
        let same = std::mem::discriminant(kind);
        let mut open = self.links.values().flat_map(|guest| guest.open.values());
        open.any(|(_, awaited)| std::mem::discriminant(awaited) == same)
    }

    pub(super) fn fail_boot(&mut self, failure: Failure) {
        self.boot_failure = Some(failure);
    }

    pub(super) fn take_boot_failure(&mut self) -> Option<Failure> {
        self.boot_failure.take()
    }

    /// When the next answer is overdue.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.links.values().flat_map(|guest| guest.open.values()).map(|(until, _)| *until).min()
    }

    /// What was not answered in time.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Awaited> {
        let mut late = Vec::new();
        for guest in self.links.values_mut() {
            let ids: Vec<u64> = guest
                .open
                .iter()
                .filter(|(_, (until, _))| *until <= now)
                .map(|(id, _)| *id)
                .collect();
            late.extend(ids.iter().filter_map(|id| guest.open.remove(id)).map(|(_, what)| what));
        }
        late
    }
}

/// What came from a guest.
#[derive(Debug)]
pub(super) enum Heard {
    Answer(Awaited, Result<Answer, Failure>),
    Event(Event),
}

impl Guest {
    fn new(conn: Conn, program: Option<(Spawn, ClientId, OwnedFd)>) -> Self {
        Self { conn, ready: false, program, open: BTreeMap::new(), next_request: 1 }
    }

    /// Takes in what has arrived; the flag is `false` when the guest is gone or talks nonsense.
    pub(super) fn hear(&mut self) -> (Vec<Heard>, bool) {
        let mut heard = Vec::new();
        let mut open = self.conn.fill().unwrap_or(false);
        loop {
            match self.conn.next::<Message>() {
                Ok(None) => break,
                Ok(Some(Message::Event(event))) => heard.push(Heard::Event(event)),
                Ok(Some(Message::Reply { id, result })) => {
                    if let Some((_, awaited)) = self.open.remove(&id) {
                        heard.push(Heard::Answer(awaited, result));
                    }
                }
                Err(_) => {
                    open = false;
                    break;
                }
            }
        }
        (heard, open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wire::Descriptors;

    #[test]
    fn a_guest_that_answers_nothing_is_asked_so_much_and_no_more() {
        let (ours, theirs) = crate::sys::wire::pair().unwrap();
        let mut guests = Guests::with_resident(Conn::new(ours, Descriptors::Dropped).unwrap());
        let mut theirs = Conn::new(theirs, Descriptors::Dropped).unwrap();
        let mut asked = 0;
        while asked < 2 * MOST_OPEN {
            let call = Call::ConnectPipe { client: 1, connected: false };
            if guests.ask(Guests::RESIDENT, call, vec![], Awaited::Nothing).is_err() {
                break;
            }
            asked += 1;
            // It reads: what waits to be sent is bounded elsewhere.
            assert!(theirs.fill().unwrap());
            while theirs.next::<Request>().unwrap().is_some() {}
        }
        assert_eq!(asked, MOST_OPEN);
    }
}
