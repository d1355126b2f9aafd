//! The life of one process, the first of a container or a later one: its streams, what it is told,
//! its end.

use std::sync::Arc;
use std::time::Duration;

use engine::system::{Reader, Writer};
use engine::{Stdio, System};
use schema::process::ProcessParameters;
use schema::{ConsoleSize, ExitCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::running::Started;
use super::{Output, Process, RunError, Signal};

/// How long a killed process, or streams that somebody else holds open, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// What a process that was killed ends with: 128 and the number of the signal, as elsewhere.
const KILLED: ExitCode = ExitCode(137);

type Result<T> = std::result::Result<T, RunError>;

/// Runs a process to its end. When its end is `asked` for it is killed, once.
pub(super) async fn run<S: System>(
    system: &S,
    parameters: &ProcessParameters,
    process: Process,
    started: &mut Started,
    asked: impl Future<Output = ()>,
) -> Result<()> {
    let (handle, stdio) = system.spawn(parameters).await?;
    started.fire();
    let Process { meta, stdin, output, resize, signals } = process;
    // Dropped, and with it ended, when the process is: none of them outlives it.
    let mut helpers = JoinSet::new();
    let mut copies = connect(stdio, stdin, &output, &mut helpers);
    if let Some(resize) = resize {
        helpers.spawn(pass_on_sizes(handle.clone(), resize));
    }
    if let Some(signals) = signals {
        helpers.spawn(pass_on_signals(handle.clone(), signals));
    }
    let ended = end_of(&handle, asked).await;
    drop(helpers);
    // A process left behind in the container may keep a stream open; it ends with it.
    let drained = async { while copies.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(PATIENCE, drained).await;
    let (code, was_cancelled) = ended?;
    judge(code, was_cancelled, &meta.valid_exit_codes)
}

/// An end with an accepted code is a success, also when it comes with a cancel.
fn judge(code: ExitCode, cancelled: bool, valid: &[u32]) -> Result<()> {
    let good = if valid.is_empty() { code.0 == 0 } else { valid.contains(&code.0) };
    match (good, cancelled) {
        (true, _) => Ok(()),
        (false, true) => Err(RunError::Cancelled(code.0)),
        (false, false) if code == ExitCode::UNKNOWN => Err(RunError::Lost(code.0)),
        (false, false) => Err(RunError::Exit(code.0)),
    }
}

fn connect(
    streams: Stdio,
    stdin: Option<Reader>,
    output: &Arc<dyn Output>,
    helpers: &mut JoinSet<()>,
) -> JoinSet<()> {
    if let (Some(from), Some(to)) = (stdin, streams.stdin) {
        helpers.spawn(feed(from, to));
    }
    let mut copies = JoinSet::new();
    for (stderr, reader) in [(false, streams.stdout), (true, streams.stderr)] {
        if let Some(reader) = reader {
            copies.spawn(copy(reader, stderr, Arc::clone(output)));
        }
    }
    copies
}

/// Waits for the end of a process; true when it was asked for.
async fn end_of<P: engine::Process>(
    process: &P,
    asked: impl Future<Output = ()>,
) -> Result<(ExitCode, bool)> {
    tokio::select! {
        code = process.wait() => return Ok((code, false)),
        () = asked => {}
    }
    process.terminate(KILLED).await?;
    match tokio::time::timeout(PATIENCE, process.wait()).await {
        Ok(code) => Ok((code, true)),
        Err(_) => Err(RunError::Unkillable(PATIENCE)),
    }
}

/// Waits until a cancel is asked for, for ever if need be.
pub(crate) async fn asked(cancel: &mut watch::Receiver<bool>) {
    // Whoever could have asked is gone: nobody will.
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn pass_on_sizes<P: engine::Process>(process: P, mut sizes: mpsc::Receiver<ConsoleSize>) {
    while let Some(size) = sizes.recv().await {
        if let Err(error) = process.resize(size).await {
            tracing::warn!(%error, "a console was not resized");
        }
    }
}

async fn pass_on_signals<P: engine::Process>(process: P, mut signals: mpsc::Receiver<Signal>) {
    while let Some(signal) = signals.recv().await {
        let told = match signal {
            Signal::Kill => process.terminate(KILLED).await,
            Signal::Control(event) => process.signal(event).await,
        };
        if let Err(error) = told {
            tracing::warn!(%error, ?signal, "a process was not told");
        }
    }
}

/// Its end is the end of the process' stdin.
async fn feed(mut from: Reader, mut to: Writer) {
    // A process that reads no further breaks the stream; that is its own business.
    if tokio::io::copy(&mut from, &mut to).await.is_ok() {
        let _ = to.shutdown().await;
    }
}

async fn copy(mut reader: Reader, stderr: bool, output: Arc<dyn Output>) {
    let mut buffer = vec![0; 16 << 10];
    // A stream that breaks has ended: how the process did is told by its exit code.
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        output.write(stderr, &buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_judged_as_the_table_says() {
        let said = |code, cancelled, valid: &[u32]| {
            judge(ExitCode(code), cancelled, valid).err().map(|error| error.to_string())
        };
        assert_eq!(said(0, false, &[]), None);
        assert_eq!(said(3, false, &[]).unwrap(), "exit code: 3");
        assert_eq!(said(3, false, &[2, 3]), None);
        assert_eq!(said(0, false, &[1]).unwrap(), "exit code: 0");
        assert_eq!(said(137, true, &[]).unwrap(), "canceled: exit code: 137");
        assert_eq!(said(0, true, &[]), None);
        let lost = said(ExitCode::UNKNOWN.0, false, &[]).unwrap();
        assert!(lost.starts_with("failure waiting for process"), "{lost}");
    }
}
