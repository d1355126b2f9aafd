//! A connection to a monitor.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use engine::os::streams::{ReadHalf, Stream, WriteHalf};

use super::socket;
use super::wire::{self, Ask, Call, Exit, Failure, Hello, Tell};

/// A connection to a monitor.
#[derive(Debug)]
pub struct Connection {
    /// What it says.
    pub tells: ReadHalf,
    /// What it is asked.
    pub asks: WriteHalf,
}

/// What became of a container that somebody waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and ended.
    Exited(Exit),
    /// It could not be started.
    Failed(Failure),
    /// Its monitor was killed.
    Lost,
}

impl Connection {
    /// Connects to the monitor of container `id`, to call it; `None` when there is none.
    pub async fn open(folder: &Path, id: &str) -> Result<Option<Self>> {
        Self::open_with(folder, id, Hello::default()).await
    }

    /// Connects to see what `hello` asks for; `None` when there is none.
    pub async fn open_with(folder: &Path, id: &str, hello: Hello) -> Result<Option<Self>> {
        match socket::connect(folder, id).await {
            Ok(stream) => Self::greet(stream, hello).await.map(Some),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).context("connecting to the container's monitor"),
        }
    }

    /// Says what this connection wants to see.
    pub async fn greet(stream: Stream, hello: Hello) -> Result<Self> {
        let (tells, asks) = stream.into_split();
        let mut connection = Self { tells, asks };
        connection.ask(&Ask::Hello(hello)).await.context("talking to the container's monitor")?;
        Ok(connection)
    }

    /// Asks for something to be done, and waits until it is.
    pub async fn call(&mut self, call: Call) -> Result<()> {
        self.ask(&Ask::Call(call)).await.context("talking to the container's monitor")?;
        loop {
            match Tell::read(&mut self.tells).await.context("talking to the container's monitor")? {
                Some(Tell::Answer(Ok(()))) => return Ok(()),
                Some(Tell::Answer(Err(error))) => bail!(error),
                Some(_) => {}
                None => bail!("the container's monitor was killed"),
            }
        }
    }

    /// Waits until the process runs.
    pub async fn started(&mut self) -> Result<Result<u32, Outcome>> {
        loop {
            match Tell::read(&mut self.tells).await.context("talking to the container's monitor")? {
                Some(Tell::Started { pid }) => return Ok(Ok(pid)),
                Some(Tell::Failed(failure)) => return Ok(Err(Outcome::Failed(failure))),
                Some(Tell::Exited(exit)) => return Ok(Err(Outcome::Exited(exit))),
                Some(_) => {}
                None => return Ok(Err(Outcome::Lost)),
            }
        }
    }

    /// Waits until the container has ended.
    pub async fn ended(&mut self) -> Result<Outcome> {
        loop {
            match self.started().await? {
                Ok(_) => {}
                Err(outcome) => return Ok(outcome),
            }
        }
    }

    /// Says something.
    pub async fn ask(&mut self, ask: &Ask) -> io::Result<()> {
        wire::write(&mut self.asks, &ask.encode()).await
    }
}
