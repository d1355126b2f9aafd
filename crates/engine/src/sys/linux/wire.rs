//! Frames over a Unix stream socket, with descriptors beside them.
//!
//! A frame is a little-endian `u32` length and that many bytes of JSON. Descriptors travel with the
//! first byte of their frame. The same form serves the control socket (clients and silo host), the
//! guest link (`schema::guest`) and the link to pid 1. Nothing here blocks: whoever owns a
//! [`Conn`] polls its descriptor.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest frame that is taken.
pub(crate) const MAX_FRAME: usize = schema::guest::MAX_FRAME;

/// The most descriptors that come with one frame: three standard streams.
const MAX_FDS: usize = 4;

/// What a peer that does not read may let pile up before it is cut off.
const MAX_BACKLOG: usize = 2 * MAX_FRAME;

/// Whether descriptors that a peer sends are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descriptors {
    /// They are kept until asked for.
    Taken,
    /// The kernel drops them: a hostile peer cannot fill our table.
    Dropped,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Conn {
    fd: OwnedFd,
    descriptors: Descriptors,
    inbound: Vec<u8>,
    received: VecDeque<OwnedFd>,
    outbound: VecDeque<Outgoing>,
    backlog: usize,
}

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    fds: Vec<OwnedFd>,
}

impl Conn {
    /// Wraps a socket and makes it non-blocking.
    pub(crate) fn new(fd: OwnedFd, descriptors: Descriptors) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self {
            fd,
            descriptors,
            inbound: Vec::new(),
            received: VecDeque::new(),
            outbound: VecDeque::new(),
            backlog: 0,
        })
    }

    /// Queues a message and sends what goes at once.
    pub(crate) fn send(&mut self, message: &impl Serialize, fds: Vec<OwnedFd>) -> io::Result<()> {
        let bytes = frame(message)?;
        self.backlog += bytes.len();
        if self.backlog > MAX_BACKLOG {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the peer does not read"));
        }
        self.outbound.push_back(Outgoing { bytes, sent: 0, fds });
        self.flush()
    }

    /// Sends what goes without waiting.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some(next) = self.outbound.front_mut() {
            match send_some(self.fd.as_fd(), &next.bytes[next.sent..], &next.fds) {
                Ok(count) => {
                    next.fds.clear();
                    next.sent += count;
                    self.backlog -= count;
                    if next.sent == next.bytes.len() {
                        self.outbound.pop_front();
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether the peer has gone, as far as can be told at once.
    pub(crate) fn is_closed(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut watched = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut watched, Some(&now)).is_ok() && watched[0].revents().contains(PollFlags::HUP)
    }

    /// Something waits to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Takes in what has arrived; `false` when the peer has closed its end.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0_u8; 4096];
        loop {
            match recv_some(self.fd.as_fd(), &mut chunk, self.descriptors, &mut self.received) {
                Ok(0) => return Ok(false),
                Ok(count) => self.inbound.extend_from_slice(&chunk[..count]),
                Err(Errno::AGAIN) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
            // One frame at a time bounds what a peer can make us hold.
            if self.inbound.len() > MAX_FRAME + 4 {
                return Ok(true);
            }
        }
    }

    /// The next whole message, if it has arrived.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(length) = frame_length(&self.inbound)? else { return Ok(None) };
        let Some(body) = self.inbound.get(4..4 + length) else { return Ok(None) };
        let message = serde_json::from_slice(body)?;
        self.inbound.drain(..4 + length);
        if self.inbound.is_empty() && self.inbound.capacity() > 16 * 1024 {
            self.inbound = Vec::new();
        }
        Ok(Some(message))
    }

    /// The descriptors that have come.
    pub(crate) fn take_fds(&mut self) -> Vec<OwnedFd> {
        self.received.drain(..).collect()
    }

    /// Waits for a whole message: for the moments when there is nothing else to do.
    pub(crate) fn wait_next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            if let Some(message) = self.next()? {
                return Ok(message);
            }
            match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !self.fill()? {
                // What came before the end may be whole.
                return self.next()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A connected pair of stream sockets.
pub(crate) fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// A message as a frame.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let short = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME);
    let short = short.ok_or_else(|| io::Error::other(format!("a message of {length} bytes")))?;
    bytes[..4].copy_from_slice(&short.to_le_bytes());
    Ok(bytes)
}

/// The length that a frame begins with, checked, once its four bytes are there.
pub(crate) fn frame_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*head) as usize;
    if length > MAX_FRAME {
        let text = format!("a frame of {length} bytes, longer than {MAX_FRAME}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(Some(length))
}

/// Sends some of `bytes`, with `fds` beside the first of them.
pub(crate) fn send_some(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[OwnedFd],
) -> rustix::io::Result<usize> {
    let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(Errno::TOOBIG);
    }
    retry(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))
}

/// Receives some bytes, and the descriptors that came with them.
pub(crate) fn recv_some(
    socket: BorrowedFd<'_>,
    chunk: &mut [u8],
    descriptors: Descriptors,
    received: &mut VecDeque<OwnedFd>,
) -> rustix::io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = match descriptors {
        Descriptors::Taken => RecvAncillaryBuffer::new(&mut space),
        Descriptors::Dropped => RecvAncillaryBuffer::default(),
    };
    let flags = RecvFlags::CMSG_CLOEXEC;
    let count =
        retry(|| recvmsg(socket, &mut [IoSliceMut::new(chunk)], &mut control, flags))?.bytes;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            received.extend(fds);
        }
    }
    Ok(count)
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conns() -> (Conn, Conn) {
        let (a, b) = pair().unwrap();
        let take = Descriptors::Taken;
        (Conn::new(a, take).unwrap(), Conn::new(b, take).unwrap())
    }

    #[test]
    fn messages_arrive_whole_and_in_order_with_their_descriptors() {
        let (mut a, mut b) = conns();
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        a.send(&"one", vec![reader]).unwrap();
        a.send(&"two", vec![]).unwrap();
        assert_eq!(b.wait_next::<String>().unwrap(), "one");
        assert_eq!(b.take_fds().len(), 1);
        assert_eq!(b.wait_next::<String>().unwrap(), "two");
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_it_is_held() {
        let (a, mut b) = conns();
        send_some(a.as_fd(), &u32::MAX.to_le_bytes(), &[]).unwrap();
        assert!(b.wait_next::<String>().is_err());
    }

    #[test]
    fn a_peer_that_goes_away_within_a_frame_is_not_waited_for() {
        let (a, mut b) = conns();
        send_some(a.as_fd(), &[9, 0, 0, 0, b'"'], &[]).unwrap();
        drop(a);
        assert!(b.wait_next::<String>().is_err());
    }

    #[test]
    fn what_came_before_the_end_is_heard() {
        let (mut a, mut b) = conns();
        a.send(&"last", vec![]).unwrap();
        drop(a);
        assert_eq!(b.wait_next::<String>().unwrap(), "last");
        assert!(b.wait_next::<String>().is_err());
    }

    #[test]
    fn a_peer_that_never_reads_is_cut_off() {
        let (mut a, _b) = conns();
        let big = "x".repeat(MAX_FRAME / 2);
        let refused = (0..8).any(|_| a.send(&big, vec![]).is_err());
        assert!(refused);
    }

    #[test]
    fn descriptors_of_a_hostile_peer_are_dropped_by_the_kernel() {
        let (mut a, b) = conns();
        let mut b = Conn::new(b.fd, Descriptors::Dropped).unwrap();
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        a.send(&"one", vec![reader]).unwrap();
        assert_eq!(b.wait_next::<String>().unwrap(), "one");
        assert!(b.take_fds().is_empty());
    }
}
