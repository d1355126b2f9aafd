//! The control socket and who is connected to it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with,
};

use crate::error::ErrorKind;
use crate::sys::claim;
use crate::sys::protocol::{Reply, Request};
use crate::sys::wire::{Conn, Descriptors};

/// Which client.
pub(super) type ClientId = u64;

/// How long the last answers may take to be read when the system ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// The listener and the connections.
#[derive(Debug, Default)]
pub(super) struct Clients {
    listener: Option<OwnedFd>,
    by_id: BTreeMap<ClientId, Conn>,
    next: ClientId,
}

impl Clients {
    /// Opens the control socket: from now on the system can be found.
    pub(super) fn listen(&mut self, dir: &Path) -> Result<(), ErrorKind> {
        let fail = |e: std::io::Error| ErrorKind::io("open the control socket", e);
        let (_dir, path) = claim::short(dir).map_err(fail)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let address = SocketAddrUnix::new(path).map_err(|e| fail(e.into()))?;
        let open = || {
            let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            bind(&listener, &address)?;
            listen(&listener, 128)?;
            Ok::<_, rustix::io::Errno>(listener)
        };
        self.listener = Some(open().map_err(|e| fail(e.into()))?);
        Ok(())
    }

    /// The listener's descriptor.
    pub(super) fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().map(AsFd::as_fd)
    }

    /// Takes in new connections.
    pub(super) fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        while let Ok(fd) = accept_with(listener, SocketFlags::CLOEXEC) {
            if let Ok(conn) = Conn::new(fd, Descriptors::Dropped) {
                self.by_id.insert(self.next, conn);
                self.next += 1;
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Conn)> {
        self.by_id.iter().map(|(id, conn)| (*id, conn))
    }

    /// Notes a client in a list of those that wait, and strikes from it those that have gone.
    pub(super) fn note(&self, list: &mut Vec<ClientId>, client: ClientId) {
        list.retain(|known| self.by_id.contains_key(known));
        list.push(client);
    }

    /// Sends what waits to be sent.
    pub(super) fn flush(&mut self, id: ClientId) {
        if self.by_id.get_mut(&id).is_some_and(|conn| conn.flush().is_err()) {
            self.by_id.remove(&id);
        }
    }

    /// The requests that have arrived; a client that closed or breaks the form is let go.
    pub(super) fn requests(&mut self, id: ClientId) -> Vec<Request> {
        let Some(conn) = self.by_id.get_mut(&id) else { return Vec::new() };
        let mut requests = Vec::new();
        let mut open = conn.fill().unwrap_or(false);
        loop {
            match conn.next() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(_) => {
                    open = false;
                    break;
                }
            }
        }
        if !open {
            self.by_id.remove(&id);
        }
        requests
    }

    /// Answers a client; one that is gone needs no answer.
    pub(super) fn reply(&mut self, id: ClientId, reply: &Reply, fds: Vec<OwnedFd>) {
        if self.by_id.get_mut(&id).is_some_and(|conn| conn.send(reply, fds).is_err()) {
            self.by_id.remove(&id);
        }
    }

    /// Takes no more, and gives those that are there a moment to read their answers.
    pub(super) fn farewell(&mut self) {
        self.listener = None;
        let deadline = Instant::now() + FAREWELL;
        self.by_id.retain(|_, conn| conn.wants_write());
        while !self.by_id.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(left) = Timespec::try_from(left) else { return };
            let mut watched: Vec<_> =
                self.by_id.values().map(|conn| PollFd::new(conn, PollFlags::OUT)).collect();
            if poll(&mut watched, Some(&left)).map_or(true, |ready| ready == 0) {
                return;
            }
            self.by_id.retain(|_, conn| conn.flush().is_ok() && conn.wants_write());
        }
    }
}
