//! The named pipes that a shim dials for a process' streams: the ends that wait.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::access::Access;

/// Bytes that a pipe holds.
const CAPACITY: u32 = 1 << 20;

type Opening = Pin<Box<dyn Future<Output = io::Result<Option<NamedPipeServer>>> + Send>>;

enum End {
    Opening(Opening),
    Open(NamedPipeServer),
    /// Nobody came.
    Nobody,
}

impl End {
    /// Waits for the shim; once `partner` is gone nobody else will come.
    fn wait(pipe: NamedPipeServer, partner: Option<oneshot::Receiver<()>>) -> Self {
        Self::Opening(Box::pin(async move {
            let gone = async {
                match partner {
                    // Its sender only goes.
                    Some(partner) => drop(partner.await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                connected = pipe.connect() => connected?,
                () = gone => return Ok(None),
            }
            Ok(Some(pipe))
        }))
    }

    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<&mut NamedPipeServer>>> {
        if let Self::Opening(opening) = self {
            *self = match ready!(opening.as_mut().poll(cx))? {
                Some(pipe) => Self::Open(pipe),
                None => Self::Nobody,
            };
        }
        Poll::Ready(Ok(match self {
            Self::Open(pipe) => Some(pipe),
            Self::Opening(_) | Self::Nobody => None,
        }))
    }
}

/// Where what a process writes is read.
pub struct Receiver(End);

/// Where what a process reads is written.
pub struct Sender(End);

/// What a process writes.
#[derive(Debug)]
pub struct Output {
    name: String,
    receiver: Option<Receiver>,
    partner: Option<oneshot::Sender<()>>,
}

/// What a process reads.
#[derive(Debug)]
pub struct Input {
    name: String,
    sender: Option<Sender>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

/// A pipe for one shim. It goes both ways, as whoever dials such a pipe expects.
fn listen(options: &mut ServerOptions) -> io::Result<(String, NamedPipeServer)> {
    let name = format!(r"\\.\pipe\transom-{}", Uuid::new_v4());
    options.first_pipe_instance(true).max_instances(1);
    let pipe = Access::administrators()?.pipe(&name, options)?;
    Ok((name, pipe))
}

impl Output {
    /// Makes the pipe. Its name is its own, not the path's.
    pub fn create(_path: &Path) -> io::Result<Self> {
        let (name, pipe) = listen(ServerOptions::new().in_buffer_size(CAPACITY))?;
        let (partner, gone) = oneshot::channel();
        let receiver = Some(Receiver(End::wait(pipe, Some(gone))));
        Ok(Self { name, receiver, partner: Some(partner) })
    }

    /// What the shim is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to read; its end comes when the shim has closed it, and not before it came.
    pub fn take(&mut self) -> Option<Receiver> {
        self.receiver.take()
    }

    /// The shim has come, or never will.
    pub fn hand_over(&mut self) {
        self.partner = None;
    }
}

impl Input {
    /// Makes the pipe. Its name is its own, not the path's.
    pub fn create(_path: &Path) -> io::Result<Self> {
        let (name, pipe) = listen(ServerOptions::new().out_buffer_size(CAPACITY))?;
        Ok(Self { name, sender: Some(Sender(End::wait(pipe, None))) })
    }

    /// What the shim is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From here on a write fails when the shim has gone: a pipe does so anyway.
    pub fn hand_over(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Where to write; once. Dropping it is the end of the stream.
    pub fn take(&mut self) -> Option<Sender> {
        self.sender.take()
    }
}

impl AsyncRead for Receiver {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(pipe) = ready!(self.0.poll_open(cx))? else { return Poll::Ready(Ok(())) };
        match ready!(Pin::new(pipe).poll_read(cx, into)) {
            // The other side has closed it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Poll::Ready(Ok(())),
            other => Poll::Ready(other),
        }
    }
}

impl AsyncWrite for Sender {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.0.poll_open(cx))? {
            Some(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
