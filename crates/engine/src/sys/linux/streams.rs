#![expect(unsafe_code, reason = "the runtime is promised that a descriptor stays the same")]
//! A process' streams as the runtime reads and writes them.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::protocol::Answer;
use crate::system::Stdio;

/// A pipe's end, or a terminal's master.
struct Stream {
    fd: Arc<AsyncFd<OwnedFd>>,
}

/// The streams that an answer names, made of the descriptors beside it.
pub(super) fn stdio(answer: &Answer, fds: Vec<OwnedFd>) -> io::Result<Stdio> {
    let Answer::Spawned { console, stdin, stdout, stderr, .. } = *answer else {
        return Ok(Stdio::default());
    };
    let mut fds = fds.into_iter();
    let mut next = || {
        let fd = fds.next().ok_or_else(|| io::Error::other("a stream is missing"))?;
        Stream::new(fd)
    };
    if console {
        let master = next()?;
        let writer = Stream { fd: master.fd.clone() };
        return Ok(Stdio {
            stdin: Some(Box::pin(writer)),
            stdout: Some(Box::pin(master)),
            stderr: None,
        });
    }
    let mut streams = Stdio::default();
    if stdin {
        streams.stdin = Some(Box::pin(next()?));
    }
    if stdout {
        streams.stdout = Some(Box::pin(next()?));
    }
    if stderr {
        streams.stderr = Some(Box::pin(next()?));
    }
    Ok(streams)
}

impl Stream {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        // SAFETY: an `OwnedFd` is the same open descriptor for as long as it lives.
        let fd = unsafe { AsyncFd::register(fd)? };
        Ok(Self { fd: Arc::new(fd) })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(context))?;
            let read = guard.try_io(|fd| {
                match rustix::io::read(fd, buffer.initialize_unfilled()) {
                    // What a terminal says when nobody has it open inside any more.
                    Err(Errno::IO) => Ok(0),
                    other => other.map_err(io::Error::from),
                }
            });
            match read {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(context))?;
            match guard.try_io(|fd| rustix::io::write(fd, bytes).map_err(io::Error::from)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closing is by dropping: a terminal's master is shared with the reader.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
