//! A container in the foreground: this program's streams, terminal and signals are its own.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use engine::os::streams::{ReadHalf, WriteHalf};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::client::{Connection, Outcome};
use super::input::{Input, Typed};
use super::keys::DetachKeys;
use super::signals::Signals;
use super::terminal::{self, RawTerminal};
use super::wire::{self, Ask, Call, Tell};

/// How a container is in the foreground.
#[derive(Debug)]
pub struct Foreground {
    /// Where monitors listen.
    pub monitors: PathBuf,
    /// The container.
    pub id: String,
    /// It gets this program's stdin.
    pub stdin: bool,
    /// It has a terminal.
    pub tty: bool,
    /// It gets this program's signals.
    pub signals: bool,
    /// What leaves it.
    pub keys: DetachKeys,
}

/// How the foreground was left.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// The container ended, or could not be started.
    Ended(Outcome),
    /// The user left it running.
    Detached,
}

impl Foreground {
    /// Stays until the container has ended or the user leaves it.
    pub async fn stay(self, connection: Connection) -> Result<Left> {
        let raw = if self.tty && self.stdin {
            RawTerminal::enter().context("the terminal")?
        } else {
            None
        };
        let Connection { tells, asks } = connection;
        let signals = Signals::listen(self.signals && raw.is_none(), self.tty)?;
        let control = tokio::spawn(control(self.monitors, self.id, signals));
        let mut typing = tokio::spawn(typing(asks, self.stdin, raw.is_some().then_some(self.keys)));
        let left = tokio::select! {
            outcome = show(tells) => Left::Ended(outcome?),
            left = left_by_typing(&mut typing) => left?,
        };
        typing.abort();
        control.abort();
        drop(raw);
        Ok(left)
    }
}

/// Shows what the container writes until it has ended.
async fn show(mut tells: ReadHalf) -> Result<Outcome> {
    let (mut stdout, mut stderr) = (tokio::io::stdout(), tokio::io::stderr());
    let outcome = loop {
        let tell = Tell::read(&mut tells).await.context("talking to the container's monitor")?;
        match tell {
            Some(Tell::Stdout(data)) => write(&mut stdout, &data).await?,
            Some(Tell::Stderr(data)) => write(&mut stderr, &data).await?,
            Some(Tell::Exited(exit)) => break Outcome::Exited(exit),
            Some(Tell::Failed(failure)) => break Outcome::Failed(failure),
            Some(Tell::Started { .. } | Tell::Answer(_)) => {}
            None => break Outcome::Lost,
        }
    };
    stdout.flush().await.ok();
    // The monitor goes once everything is said; nothing of this container is left after that.
    while let Ok(Some(_)) = Tell::read(&mut tells).await {}
    Ok(outcome)
}

async fn write(to: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> Result<()> {
    let written = async {
        to.write_all(data).await?;
        to.flush().await
    };
    match written.await {
        // Nobody reads it any more (`| head`); the container goes on, as docker's does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing output"),
    }
}

/// Passes on what is typed. Ends when the user leaves; otherwise only with the container.
async fn typing(mut asks: WriteHalf, stdin: bool, keys: Option<DetachKeys>) -> Result<bool> {
    if !stdin {
        return std::future::pending().await;
    }
    let mut input = Input::open(keys);
    loop {
        let (data, after) = match input.next().await.context("reading stdin")? {
            Typed::Data(data) => (data, None),
            Typed::Detach(data) => (data, Some(true)),
            Typed::End => (Vec::new(), Some(false)),
        };
        if !data.is_empty() && wire::write(&mut asks, &Ask::Stdin(data).encode()).await.is_err() {
            return Ok(false);
        }
        match after {
            Some(true) => return Ok(true),
            Some(false) => {
                // A monitor that has gone needs no end of input.
                wire::write(&mut asks, &Ask::StdinEnd.encode()).await.ok();
                // The write half stays open: closing it would be leaving.
                return std::future::pending().await;
            }
            None => {}
        }
    }
}

async fn left_by_typing(typing: &mut JoinHandle<Result<bool>>) -> Result<Left> {
    if typing.await.context("reading stdin")?? {
        Ok(Left::Detached)
    } else {
        std::future::pending().await
    }
}

/// Passes on signals and the terminal's size, over connections of their own: input that nobody
/// reads must not hold back a Ctrl-C.
async fn control(monitors: PathBuf, id: String, mut signals: Signals) {
    if signals.resizes() {
        resize(&monitors, &id).await;
    }
    loop {
        let call = match signals.next().await {
            super::signals::Signal::Resized => {
                resize(&monitors, &id).await;
                continue;
            }
            super::signals::Signal::Pass(signal) => Call::Kill { signal },
        };
        tell_error(self::call(&monitors, &id, call).await);
    }
}

async fn resize(monitors: &Path, id: &str) {
    if let Some((height, width)) = terminal::size() {
        // A container that has just ended has no terminal to resize.
        call(monitors, id, Call::Resize { height, width }).await.ok();
    }
}

async fn call(monitors: &Path, id: &str, call: Call) -> Result<()> {
    match Connection::open(monitors, id).await? {
        Some(mut connection) => connection.call(call).await,
        None => Ok(()),
    }
}

fn tell_error(result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = %format!("{error:#}"), "a signal was not passed on");
    }
}
