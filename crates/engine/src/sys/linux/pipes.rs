//! The named pipes that a client of a shim waits at, and the loggers that take a pipe's place.
//!
//! On Linux these are FIFOs. Opening one never blocks: a reader is there at once, and a writer
//! looks again until somebody reads.

#![expect(unsafe_code, reason = "a logger gets its pipes under fixed descriptor numbers")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWrite};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};
use tokio::process::{Child, Command};

use crate::system::{Reader, Writer};

/// How often a writer looks whether somebody reads.
const LOOK: Duration = Duration::from_millis(5);
/// How long a process that has closed its pipes may take to be gone.
const DYING: Duration = Duration::from_millis(20);
/// Where a logger finds its pipes: stdout, stderr, and the one to close when it is ready.
const LOGGER_FDS: [RawFd; 3] = [3, 4, 5];
/// Above every number that a logger is given.
const ABOVE: RawFd = 10;

/// Opens the end that reads, which nobody needs to wait for here. Its end of file comes when the
/// last writer has gone.
#[expect(clippy::unused_async, reason = "elsewhere a pipe may be busy")]
pub async fn open_reader(path: &Path, _patience: Duration) -> io::Result<Reader> {
    Ok(Box::pin(OpenOptions::new().open_receiver(path)?))
}

/// Opens the end that reads of a pipe that one writer after the other may have: it has no end of file.
#[expect(clippy::unused_async, reason = "elsewhere a pipe may be busy")]
pub async fn open_lasting_reader(path: &Path, _patience: Duration) -> io::Result<Reader> {
    // Who reads is a writer, too.
    Ok(Box::pin(OpenOptions::new().read_write(true).open_receiver(path)?))
}

/// Opens the end that writes, as soon as somebody reads, and within `patience`.
///
/// From then on a reader may go and another come: what is written meanwhile waits in the pipe, until
/// [`Outlet::need_reader`].
pub async fn open_writer(path: &Path, patience: Duration) -> io::Result<Outlet> {
    let begun = Instant::now();
    loop {
        match OpenOptions::new().open_sender(path) {
            Ok(sender) => {
                let keeper = Some(OpenOptions::new().open_receiver(path)?);
                return Ok(Outlet { path: path.to_owned(), sender, keeper, is_broken: false });
            }
            Err(error) if error.raw_os_error() != Some(NOBODY_READS) => return Err(error),
            Err(_) if begun.elapsed() >= patience => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads from it"));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// `ENXIO`.
const NOBODY_READS: i32 = 6;

/// A writer whose pipe does not break when its reader goes.
pub struct Outlet {
    path: PathBuf,
    sender: Sender,
    /// A reader of its own, which never reads.
    keeper: Option<Receiver>,
    is_broken: bool,
}

impl Outlet {
    /// From now on a write fails as a broken pipe's while nobody has the pipe open to read. It may be
    /// tried again: the next reader gets what is in the pipe, and then that.
    pub fn need_reader(&mut self) {
        self.keeper = None;
    }

    /// A descriptor that has once seen its last reader go is told of nothing else any more: the pipe is
    /// opened anew, and only then is the old one closed, with which the pipe would be emptied.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_broken {
            self.sender = OpenOptions::new()
                .open_sender(&self.path)
                .map_err(|error| io::Error::new(io::ErrorKind::BrokenPipe, error))?;
            self.is_broken = false;
        }
        Ok(())
    }
}

impl AsyncWrite for Outlet {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.mend()?;
        let written = Pin::new(&mut self.sender).poll_write(cx, bytes);
        if let Poll::Ready(Err(error)) = &written {
            self.is_broken = error.kind() == io::ErrorKind::BrokenPipe;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sender).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sender).poll_shutdown(cx)
    }
}

/// A logger that runs, and the pipes into it.
pub struct Logger {
    /// The process.
    pub process: Child,
    /// What the container says.
    pub stdout: Writer,
    /// What it complains of.
    pub stderr: Writer,
    ready: Receiver,
}

impl Logger {
    /// Starts a logger. It has `env` and nothing else, and its pipes as descriptors 3, 4 and 5.
    pub fn spawn<A, E, N, V>(program: &Path, args: A, env: E) -> io::Result<Self>
    where
        A: IntoIterator<Item: AsRef<OsStr>>,
        E: IntoIterator<Item = (N, V)>,
        N: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let (out_reader, out_writer) = io::pipe()?;
        let (err_reader, err_writer) = io::pipe()?;
        let (ready_reader, ready_writer) = io::pipe()?;
        let given = [high(&out_reader)?, high(&err_reader)?, high(&ready_writer)?];
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env).kill_on_drop(true);
        command.stdin(std::process::Stdio::null());
        give(&mut command, given);
        let process = command.spawn()?;
        drop(command);
        Ok(Self {
            process,
            stdout: Box::pin(sender(out_writer)?),
            stderr: Box::pin(sender(err_writer)?),
            ready: receiver(ready_reader)?,
        })
    }

    /// Waits until the logger says that it is ready, by a byte or by closing the pipe; an error
    /// when it ends before that.
    pub async fn ready(&mut self) -> io::Result<()> {
        let mut byte = [0];
        let told = self.ready.read(&mut byte).await?;
        if told > 0 {
            return Ok(());
        }
        // A logger that dies closes its pipes just before its end can be seen.
        match tokio::time::timeout(DYING, self.process.wait()).await {
            Ok(status) => Err(io::Error::other(format!("the logger ended at once: {}", status?))),
            Err(_) => Ok(()),
        }
    }
}

/// The program in a logger's address: an absolute path.
pub fn logger_path(path: &str) -> Option<PathBuf> {
    (path.starts_with('/') && !path.starts_with("//")).then(|| PathBuf::from(path))
}

/// Where a shim's log lines go: the FIFO `log` of its bundle, the current folder.
#[derive(Debug)]
pub struct LogPipe(Mutex<File>);

/// Opens the log when somebody reads it now.
pub fn open_log(_namespace: &str, _id: &str) -> io::Result<LogPipe> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(LogPipe(Mutex::new(rustix::fs::open("log", flags, Mode::empty())?.into())))
}

impl LogPipe {
    /// Writes a line. What the pipe has no room for is lost: a log stops no container.
    pub fn write(&self, line: &[u8]) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line);
    }
}

/// Keeps this process' own streams from the programs that it starts: here a program has what it is
/// given and nothing else.
pub fn keep_streams() {}

/// Closes this process' stdout for whoever reads it; what is still printed goes nowhere.
pub fn close_stdout() -> io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}

fn high(fd: &impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, ABOVE)?)
}

fn sender(pipe: PipeWriter) -> io::Result<Sender> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    Sender::from_owned_fd(pipe.into())
}

fn receiver(pipe: PipeReader) -> io::Result<Receiver> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    Receiver::from_owned_fd(pipe.into())
}

fn give(command: &mut Command, fds: [OwnedFd; 3]) {
    let place = move || {
        for (fd, number) in fds.iter().zip(LOGGER_FDS) {
            // SAFETY: the child that runs this has a descriptor table of its own, and nothing in it
            // owns these numbers: the runtime's own descriptors are closed on exec.
            let mut target = unsafe { OwnedFd::from_raw_fd(number) };
            let placed = rustix::io::dup2(fd, &mut target);
            debug_assert_eq!(target.as_raw_fd(), number, "dup2 keeps the number");
            std::mem::forget(target);
            placed?;
        }
        Ok(())
    };
    // SAFETY: `dup2` is async-signal-safe, and nothing here allocates.
    unsafe { command.pre_exec(place) };
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn fifo(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        path
    }

    #[tokio::test]
    async fn a_writer_waits_for_a_reader_and_gives_up_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let error = open_writer(&path, Duration::from_millis(20)).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let patient = tokio::spawn({
            let path = path.clone();
            async move { open_writer(&path, Duration::from_secs(30)).await }
        });
        let mut reader = open_reader(&path, Duration::ZERO).await.unwrap();
        let mut writer = patient.await.unwrap().unwrap();
        writer.write_all(b"hello").await.unwrap();
        drop(writer);
        let mut heard = String::new();
        reader.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
    }

    #[tokio::test]
    async fn a_pipe_survives_a_change_of_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let first = open_reader(&path, Duration::ZERO).await.unwrap();
        let mut writer = open_writer(&path, Duration::from_secs(30)).await.unwrap();
        drop(first);
        writer.write_all(b"kept").await.unwrap();
        let mut second = open_reader(&path, Duration::ZERO).await.unwrap();
        let mut heard = [0; 4];
        second.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"kept");
    }

    /// What was in the pipe before is not lost by that.
    #[tokio::test]
    async fn a_pipe_that_needs_a_reader_breaks_without_one_and_goes_on_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let first = open_reader(&path, Duration::ZERO).await.unwrap();
        let mut writer = open_writer(&path, Duration::from_secs(30)).await.unwrap();
        writer.write_all(b"one ").await.unwrap();
        writer.need_reader();
        writer.write_all(b"two ").await.expect("somebody has it open");
        drop(first);
        for _ in 0..2 {
            let broken = writer.write(b"three").await.unwrap_err();
            assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
        }
        let mut second = open_reader(&path, Duration::ZERO).await.unwrap();
        writer.write_all(b"three").await.unwrap();
        drop(writer);
        let mut heard = String::new();
        second.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "one two three");
    }

    #[tokio::test]
    async fn a_logger_has_its_pipes_where_it_expects_them() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = format!("exec 5>&-; cat <&3 >{0}; cat <&4 >>{0}; env >>{0}", log.display());
        let env = [("CONTAINER_ID", "c1")];
        let mut logger = Logger::spawn(Path::new("/bin/sh"), ["-c", &script], env).unwrap();
        logger.ready().await.unwrap();
        logger.stdout.write_all(b"out ").await.unwrap();
        logger.stderr.write_all(b"err\n").await.unwrap();
        let Logger { mut process, stdout, stderr, .. } = logger;
        drop((stdout, stderr));
        assert!(process.wait().await.unwrap().success());
        let text = std::fs::read_to_string(log).unwrap();
        assert!(text.starts_with("out err\n") && text.contains("CONTAINER_ID=c1"), "{text}");
        assert!(!text.contains("CARGO"), "nothing of this process' own: {text}");
    }
}
