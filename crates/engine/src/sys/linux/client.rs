//! The client's side of the control socket, without blocking the runtime.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::claim;
use super::protocol::{Answer, Reply, Request};
use super::wire::{self, Descriptors};
use crate::error::ErrorKind;

/// What is named when a silo host cannot be reached.
pub(crate) const SILO_HOST: &str = "the silo host";

/// A connection to a silo host.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    inbound: Vec<u8>,
    received: VecDeque<OwnedFd>,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, inbound: Vec::new(), received: VecDeque::new() }
    }

    /// Connects to the silo host of a state directory.
    pub(crate) async fn open(dir: &Path) -> io::Result<Self> {
        // The descriptor keeps the short path good until the connection stands.
        let (_dir, path) = claim::short(dir)?;
        Ok(Self::new(UnixStream::connect(path).await?))
    }

    /// One request and its answer, with the descriptors that came beside it.
    pub(crate) async fn ask(
        dir: &Path,
        request: &Request,
    ) -> Result<(Answer, Vec<OwnedFd>), ErrorKind> {
        let mut connection = Self::open(dir).await.map_err(|e| match e.kind() {
            // Reset: it closed its socket while we stood in line.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset => ErrorKind::NotFound("compute system"),
            _ => ErrorKind::io("reach the silo host", e),
        })?;
        connection.send(request).await.map_err(|_| ErrorKind::Disconnected(SILO_HOST))?;
        let (reply, fds) =
            connection.receive::<Reply>().await.map_err(|_| ErrorKind::Disconnected(SILO_HOST))?;
        reply.map(|answer| (answer, fds)).map_err(ErrorKind::from)
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        use tokio::io::AsyncWriteExt;
        self.stream.write_all(&wire::frame(message)?).await
    }

    /// Receives a message and the descriptors that have come with it.
    pub(crate) async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<(T, Vec<OwnedFd>)> {
        loop {
            if let Some(length) = wire::frame_length(&self.inbound)?
                && let Some(body) = self.inbound.get(4..4 + length)
            {
                let message = serde_json::from_slice(body)?;
                self.inbound.drain(..4 + length);
                return Ok((message, self.received.drain(..).collect()));
            }
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0_u8; 4096];
        let (stream, received) = (&self.stream, &mut self.received);
        let count = stream
            .async_io(Interest::READABLE, || {
                wire::recv_some(stream.as_fd(), &mut chunk, Descriptors::Taken, received)
                    .map_err(io::Error::from)
            })
            .await?;
        self.inbound.extend_from_slice(&chunk[..count]);
        Ok(count)
    }
}

/// Runs what blocks beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
