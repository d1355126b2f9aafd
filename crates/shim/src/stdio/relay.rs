//! Carrying bytes between a process and its upstream ends.
//!
//! While the process runs a relay waits as long as it must. Once it has ended, a relay has only so
//! long: a grandchild that keeps a stream open or goes on talking, or a reader that went away, does
//! not keep the exit from being told.
//!
//! A client that has its pipe open and does not read is waited for, as hcsshim's relays wait:
//! somebody may be paging through it, and `ctr` closes its pipes once it hears of the exit. That ends
//! when the client goes away, or when somebody wants the process gone: who kills or deletes it does not
//! mean to wait for a reader.

use std::time::Duration;

use engine::Stdio;
use engine::system::{Reader, Writer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::Upstream;
use super::logger::PATIENCE as LOGGER_PATIENCE;
use super::outgoing::{LAST_WORDS, Outgoing};

/// What the relay of an input holds at most.
const CHUNK: usize = 16 << 10;
/// How long a client may leave unread what a process said last that somebody wants gone.
const UNREAD: Duration = Duration::from_secs(10);
/// How long a pipe that is closed on request may be silent before it counts as empty.
const EMPTY: Duration = Duration::from_millis(30);

/// The relays of one process. Dropping them stops them.
pub(crate) struct Relays {
    /// Into pipes of the client's.
    pipes: JoinSet<()>,
    /// Into what nobody pages through.
    others: JoinSet<()>,
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
        let (mut pipes, mut others) = (JoinSet::new(), JoinSet::new());
        for (from, to) in [(process.stdout, stdout), (process.stderr, stderr)] {
            if let (Some(from), Some(to)) = (from, to) {
                let relays = if to.is_pipe() { &mut pipes } else { &mut others };
                relays.spawn(Outgoing::new(from, to).carry(ended.subscribe()));
            }
        }
        let input = stdin.zip(process.stdin);
        let input =
            input.map(|(from, to)| tokio::spawn(carry_in(from, to, close_input.subscribe())));
        Self { pipes, others, input, close_input, ended, logger }
    }

    /// Ends the process' stdin, once what is in the pipe has been passed on.
    pub(crate) fn close_stdin(&self) {
        self.close_input.send_replace(true);
    }

    /// The process has ended: passes on what is left of its output, and closes everything. `hurried` tells
    /// that somebody wants it gone.
    pub(crate) async fn finish(mut self, mut hurried: watch::Receiver<bool>) {
        self.ended.send_replace(true);
        if let Some(input) = self.input.take() {
            input.abort();
        }
        let given_up = async {
            // Nobody is left who could tell: nobody is left who waits.
            let _ = hurried.wait_for(|hurried| *hurried).await;
            tokio::time::sleep(LAST_WORDS + UNREAD).await;
        };
        let pipes = async {
            tokio::select! {
                () = join(&mut self.pipes) => {}
                () = given_up => {}
            }
        };
        // What came too late for these is stopped with the relays.
        let others = tokio::time::timeout(LAST_WORDS + UNREAD, join(&mut self.others));
        let _ = tokio::join!(pipes, others);
        self.pipes.abort_all();
        self.others.abort_all();
        if let Some(mut logger) = self.logger.take()
            && tokio::time::timeout(LOGGER_PATIENCE, logger.wait()).await.is_err()
        {
            // It had its time; one that is gone already is as good.
            let _ = logger.kill().await;
        }
    }
}

/// Waits for all of them: each ends by itself, and a panic in one lost only output.
async fn join(relays: &mut JoinSet<()>) {
    while relays.join_next().await.is_some() {}
}

impl Drop for Relays {
    fn drop(&mut self) {
        self.input.iter().for_each(JoinHandle::abort);
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

/// Writes all of it and does not keep it: somebody may be waiting for half a line.
async fn pass_on(to: &mut Writer, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use tokio::io::AsyncWrite;

    use super::super::outgoing::SILENCE;
    use super::super::outlet::Outlet;
    use super::*;

    fn pipe() -> (Reader, Writer) {
        let (near, far) = tokio::io::duplex(64);
        (Box::pin(near), Box::pin(far))
    }

    /// Nobody wants a process gone.
    fn patient() -> watch::Receiver<bool> {
        // A sender that is gone would be nobody who waits.
        Box::leak(Box::new(watch::Sender::new(false))).subscribe()
    }

    /// The process' end of a stdout, and the relays between it and `to`.
    fn stdout(to: Outlet) -> (Writer, Relays) {
        let (from, says) = pipe();
        let upstream = Upstream { stdout: Some(to), ..Upstream::default() };
        (says, Relays::start(upstream, Stdio { stdout: Some(from), ..Stdio::default() }))
    }

    #[tokio::test]
    async fn everything_said_before_the_end_is_passed_on() {
        let (mut ear, to) = pipe();
        let (mut says, relays) = stdout(Outlet::other(to));
        let mouth = tokio::spawn(async move {
            says.write_all(&vec![7; 100_000]).await.unwrap();
        });
        let listening = tokio::spawn(async move {
            let mut heard = Vec::new();
            ear.read_to_end(&mut heard).await.unwrap();
            heard.len()
        });
        mouth.await.unwrap();
        relays.finish(patient()).await;
        assert_eq!(listening.await.unwrap(), 100_000);
    }

    /// Takes everything at once, and a while until it is passed on, as files do.
    struct Slow {
        has: Arc<Mutex<Vec<u8>>>,
        passes_on: Pin<Box<tokio::time::Sleep>>,
    }

    impl AsyncWrite for Slow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.has.lock().unwrap().extend(bytes);
            let soon = tokio::time::Instant::now() + Duration::from_millis(100);
            self.passes_on.as_mut().reset(soon);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.passes_on.as_mut().poll(cx).map(Ok)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(cx)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_being_passed_on_when_the_process_ends_is_not_said_twice() {
        let has = Arc::default();
        let passes_on = Box::pin(tokio::time::sleep(Duration::ZERO));
        let slow = Slow { has: Arc::clone(&has), passes_on };
        let (mut says, relays) = stdout(Outlet::other(Box::pin(slow)));
        says.write_all(b"once, ").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Read while the first is still on its way.
        let more = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            says.write_all(b"and more").await.unwrap();
        });
        relays.finish(patient()).await;
        more.await.unwrap();
        assert_eq!(String::from_utf8_lossy(&has.lock().unwrap()), "once, and more");
    }

    /// hcsshim's `internal/cmd`, "stuck output".
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_ends_is_given_up_after_the_process() {
        let (_hears, to) = pipe();
        let (_held_open, relays) = stdout(Outlet::other(to));
        tokio::time::timeout(SILENCE * 2, relays.finish(patient())).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_grandchild_that_goes_on_talking_does_not_keep_the_exit() {
        let (mut hears, to) = pipe();
        let (mut says, relays) = stdout(Outlet::other(to));
        let talks = tokio::spawn(async move {
            while says.write_all(b"more\n").await.is_ok() {
                tokio::time::sleep(SILENCE / 5).await;
            }
        });
        let listens = tokio::spawn(async move { hears.read_to_end(&mut Vec::new()).await });
        tokio::time::timeout(LAST_WORDS * 2, relays.finish(patient())).await.unwrap();
        talks.await.unwrap();
        assert!(listens.await.unwrap().unwrap() > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_logger_that_does_not_read_does_not_keep_the_exit() {
        let (_never_read, to) = pipe();
        let (mut says, relays) = stdout(Outlet::other(to));
        says.write_all(&[7; 100]).await.unwrap();
        drop(says);
        tokio::time::timeout(UNREAD * 2, relays.finish(patient())).await.unwrap();
    }

    /// A FIFO, and the end that reads from it.
    async fn fifo(folder: &tempfile::TempDir) -> (std::path::PathBuf, Reader) {
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let reader = engine::pipes::open_reader(&path, Duration::ZERO).await.unwrap();
        (path, reader)
    }

    /// As `ctr run | less` is: more than a FIFO holds, and nobody reads for as long as he likes.
    #[tokio::test(start_paused = true)]
    async fn who_pages_gets_all_of_it_before_the_exit_is_told() {
        const ALL: usize = 300_000;
        let folder = tempfile::tempdir().unwrap();
        let (path, mut reader) = fifo(&folder).await;
        let outlet = engine::pipes::open_writer(&path, Duration::ZERO).await.unwrap();
        let (mut says, relays) = stdout(Outlet::Pipe(outlet));
        let mouth = tokio::spawn(async move { says.write_all(&vec![7; ALL]).await });
        let finished = tokio::spawn(relays.finish(patient()));
        mouth.await.unwrap().unwrap();
        tokio::time::sleep(UNREAD * 100).await;
        assert!(!finished.is_finished(), "somebody has the pipe open");
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), ALL);
        finished.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_does_not_read_does_not_keep_what_somebody_wants_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _reader) = fifo(&folder).await;
        let outlet = engine::pipes::open_writer(&path, Duration::ZERO).await.unwrap();
        let (mut says, relays) = stdout(Outlet::Pipe(outlet));
        let mouth = tokio::spawn(async move { says.write_all(&vec![7; 200_000]).await });
        let hurry = watch::Sender::new(false);
        let finished = tokio::spawn(relays.finish(hurry.subscribe()));
        mouth.await.unwrap().unwrap();
        tokio::time::sleep(UNREAD * 10).await;
        assert!(!finished.is_finished());
        hurry.send_replace(true);
        tokio::time::timeout(UNREAD * 2, finished).await.unwrap().unwrap();
    }

    /// One who went away may come back soon, and has no claim to more.
    #[tokio::test(start_paused = true)]
    async fn what_nobody_has_open_is_given_up_unless_somebody_comes_back_in_time() {
        for comes_back in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (path, reader) = fifo(&folder).await;
            let outlet = engine::pipes::open_writer(&path, Duration::ZERO).await.unwrap();
            let (mut says, relays) = stdout(Outlet::Pipe(outlet));
            let mouth = tokio::spawn(async move { says.write_all(&vec![7; 200_000]).await });
            drop(reader);
            let heard = tokio::spawn(async move {
                if !comes_back {
                    return 0;
                }
                tokio::time::sleep(UNREAD / 2).await;
                let mut reader = engine::pipes::open_reader(&path, Duration::ZERO).await.unwrap();
                reader.read_to_end(&mut Vec::new()).await.unwrap()
            });
            // A clock that nobody watches may run ahead of the kernel's pipes.
            tokio::time::timeout(UNREAD * 100, relays.finish(patient())).await.unwrap();
            mouth.await.unwrap().unwrap();
            assert_eq!(heard.await.unwrap(), if comes_back { 200_000 } else { 0 });
        }
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
