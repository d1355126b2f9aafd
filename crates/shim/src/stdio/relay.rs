//! Carrying bytes between a process and its upstream ends.
//!
//! While the process runs a relay waits as long as it must. Once it has ended, a relay has only so
//! long: a grandchild that keeps a stream open or goes on talking, or a reader that went away, does
//! not keep the exit from being told.

use std::time::Duration;

use engine::Stdio;
use engine::system::{Reader, Writer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Upstream;
use super::logger::PATIENCE as LOGGER_PATIENCE;

/// What one relay holds at most.
const CHUNK: usize = 16 << 10;
/// How long a stream of an ended process may be silent before it is given up.
const SILENCE: Duration = Duration::from_secs(1);
/// How long streams of an ended process are listened to in all: a program that it started may go on
/// talking for ever.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a reader may leave what an ended process said last.
const UNREAD: Duration = Duration::from_secs(10);
/// How long a pipe that is closed on request may be silent before it counts as empty.
const EMPTY: Duration = Duration::from_millis(30);

/// The relays of one process. Dropping them stops them.
pub(crate) struct Relays {
    outputs: Vec<JoinHandle<()>>,
    input: Option<JoinHandle<()>>,
    close_input: watch::Sender<bool>,
    ended: watch::Sender<bool>,
    logger: Option<tokio::process::Child>,
}

impl Relays {
    /// Starts them.
    pub(crate) fn start(upstream: Upstream, process: Stdio) -> Self {
        let Upstream { stdin, stdout, stderr, logger, .. } = upstream;
        let (close_input, ended) = (watch::Sender::new(false), watch::Sender::new(false));
        let mut outputs = Vec::new();
        for (from, to) in [(process.stdout, stdout), (process.stderr, stderr)] {
            if let (Some(from), Some(to)) = (from, to) {
                outputs.push(tokio::spawn(carry_out(from, to, ended.subscribe())));
            }
        }
        let input = stdin.zip(process.stdin);
        let input =
            input.map(|(from, to)| tokio::spawn(carry_in(from, to, close_input.subscribe())));
        Self { outputs, input, close_input, ended, logger }
    }

    /// Ends the process' stdin, once what is in the pipe has been passed on.
    pub(crate) fn close_stdin(&self) {
        self.close_input.send_replace(true);
    }

    /// The process has ended: passes on what is left of its output, and closes everything.
    pub(crate) async fn finish(mut self) {
        self.ended.send_replace(true);
        if let Some(input) = self.input.take() {
            input.abort();
        }
        for output in std::mem::take(&mut self.outputs) {
            // It ends by itself, soon after the process; a panic in it lost only output.
            let _ = output.await;
        }
        if let Some(mut logger) = self.logger.take()
            && tokio::time::timeout(LOGGER_PATIENCE, logger.wait()).await.is_err()
        {
            // It had its time; one that is gone already is as good.
            let _ = logger.kill().await;
        }
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        for relay in self.outputs.iter().chain(&self.input) {
            relay.abort();
        }
    }
}

/// From the client into the process.
async fn carry_in(mut from: Reader, mut to: Writer, mut close: watch::Receiver<bool>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let closing = *close.borrow_and_update();
        let read = tokio::select! {
            read = from.read(&mut chunk) => read,
            () = tokio::time::sleep(EMPTY), if closing => break,
            _ = close.changed(), if !closing => continue,
        };
        match read {
            Ok(0) | Err(_) => break,
            Ok(some) => {
                if pass_on(&mut to, &chunk[..some]).await.is_err() {
                    break;
                }
            }
        }
    }
    // A process that does not read any more is none the worse.
    let _ = to.shutdown().await;
}

/// From the process to the client.
async fn carry_out(mut from: Reader, mut to: Writer, mut ended: watch::Receiver<bool>) {
    let mut chunk = vec![0; CHUNK];
    // What is left of both once the process has ended.
    let (mut words, mut unread) = (LAST_WORDS, UNREAD);
    loop {
        let over = *ended.borrow_and_update();
        let begun = Instant::now();
        let read = tokio::select! {
            read = from.read(&mut chunk), if !over || !words.is_zero() => read,
            () = tokio::time::sleep(SILENCE.min(words)), if over => break,
            _ = ended.changed(), if !over => continue,
        };
        let Ok(some @ 1..) = read else { break };
        let heard = Instant::now();
        if !pass_on_until(&mut to, &chunk[..some], &mut ended, unread).await {
            break;
        }
        if over {
            words = words.saturating_sub(heard - begun);
            unread = unread.saturating_sub(heard.elapsed());
        }
    }
    // Nobody is left to tell.
    let _ = to.shutdown().await;
}

/// Writes as long as the process runs, and for a while after.
async fn pass_on_until(
    to: &mut Writer,
    bytes: &[u8],
    ended: &mut watch::Receiver<bool>,
    unread: Duration,
) -> bool {
    let write = pass_on(to, bytes);
    tokio::pin!(write);
    tokio::select! {
        written = &mut write => return written.is_ok(),
        _ = ended.wait_for(|over| *over) => {}
    }
    matches!(tokio::time::timeout(unread, write).await, Ok(Ok(())))
}

/// Writes all of it and does not keep it: somebody may be waiting for half a line.
async fn pass_on(to: &mut Writer, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe() -> (Reader, Writer) {
        let (near, far) = tokio::io::duplex(64);
        (Box::pin(near), Box::pin(far))
    }

    #[tokio::test]
    async fn everything_said_before_the_end_is_passed_on() {
        let (from, mut says) = pipe();
        let (mut ear, to) = pipe();
        let upstream = Upstream { stdout: Some(to), ..Upstream::default() };
        let process = Stdio { stdout: Some(from), ..Stdio::default() };
        let relays = Relays::start(upstream, process);
        let mouth = tokio::spawn(async move {
            says.write_all(&vec![7; 100_000]).await.unwrap();
        });
        let listening = tokio::spawn(async move {
            let mut heard = Vec::new();
            ear.read_to_end(&mut heard).await.unwrap();
            heard.len()
        });
        mouth.await.unwrap();
        relays.finish().await;
        assert_eq!(listening.await.unwrap(), 100_000);
    }

    /// hcsshim's `internal/cmd`, "stuck output".
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_ends_is_given_up_after_the_process() {
        let (from, _held_open) = pipe();
        let (_hears, to) = pipe();
        let upstream = Upstream { stdout: Some(to), ..Upstream::default() };
        let relays = Relays::start(upstream, Stdio { stdout: Some(from), ..Stdio::default() });
        tokio::time::timeout(SILENCE * 2, relays.finish()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_grandchild_that_goes_on_talking_does_not_keep_the_exit() {
        let (from, mut says) = pipe();
        let (mut hears, to) = pipe();
        let upstream = Upstream { stdout: Some(to), ..Upstream::default() };
        let relays = Relays::start(upstream, Stdio { stdout: Some(from), ..Stdio::default() });
        let talks = tokio::spawn(async move {
            while says.write_all(b"more\n").await.is_ok() {
                tokio::time::sleep(SILENCE / 5).await;
            }
        });
        let listens = tokio::spawn(async move { hears.read_to_end(&mut Vec::new()).await });
        tokio::time::timeout(LAST_WORDS * 2, relays.finish()).await.unwrap();
        talks.await.unwrap();
        assert!(listens.await.unwrap().unwrap() > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_went_away_does_not_keep_the_exit() {
        let (from, mut says) = pipe();
        let (_never_read, to) = pipe();
        let upstream = Upstream { stdout: Some(to), ..Upstream::default() };
        let relays = Relays::start(upstream, Stdio { stdout: Some(from), ..Stdio::default() });
        says.write_all(&[7; 100]).await.unwrap();
        drop(says);
        tokio::time::timeout(UNREAD * 2, relays.finish()).await.unwrap();
    }

    /// hcsshim's `internal/cmd`, "blocked stdin"; and `CloseIO`.
    #[tokio::test]
    async fn closing_stdin_passes_on_what_was_written_before() {
        let (from, mut types) = pipe();
        let (mut process, to) = pipe();
        let upstream = Upstream { stdin: Some(from), ..Upstream::default() };
        let relays = Relays::start(upstream, Stdio { stdin: Some(to), ..Stdio::default() });
        types.write_all(b"last words").await.unwrap();
        relays.close_stdin();
        relays.close_stdin();
        let mut heard = String::new();
        process.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
    }
}
