//! One FIFO, and the end of it that is not the shim's.
//!
//! A FIFO that nobody else has open yet reads as ended and cannot be opened for writing. So each
//! side is opened here with a partner of its own, which is closed once the shim has come.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, mknodat, open};
use rustix::pipe::fcntl_setpipe_size;
pub use tokio::net::unix::pipe::{Receiver, Sender};

/// Bulk output passes through in fewer turns than with the kernel's 64 KiB.
const CAPACITY: usize = 1 << 20;

/// What a process writes.
#[derive(Debug)]
pub struct Output {
    name: String,
    receiver: Option<Receiver>,
    partner: Option<OwnedFd>,
}

/// What a process reads.
#[derive(Debug)]
pub struct Input {
    name: String,
    path: PathBuf,
    sender: Option<Sender>,
}

impl Output {
    /// Makes the FIFO.
    pub fn create(path: &Path) -> io::Result<Self> {
        make(path)?;
        let ours = open_end(path, OFlags::RDONLY)?;
        let partner = open_end(path, OFlags::WRONLY)?;
        // A host that grants no more than it has left works, only slower.
        fcntl_setpipe_size(&ours, CAPACITY).ok();
        let receiver = Receiver::from_file(File::from(ours))?;
        Ok(Self { name: name(path), receiver: Some(receiver), partner: Some(partner) })
    }

    /// What the shim is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to read; its end comes when the shim has closed it, and not before it came.
    pub fn take(&mut self) -> Option<Receiver> {
        self.receiver.take()
    }

    /// The shim has opened its end.
    pub fn hand_over(&mut self) {
        self.partner = None;
    }
}

impl Input {
    /// Makes the FIFO.
    pub fn create(path: &Path) -> io::Result<Self> {
        make(path)?;
        let both = open_end(path, OFlags::RDWR)?;
        Ok(Self {
            name: name(path),
            path: path.to_owned(),
            sender: Some(Sender::from_file_unchecked(File::from(both))?),
        })
    }

    /// From here on a write fails when the shim has gone. The new end is open before the old one is
    /// closed, or the shim would see an end of input in between.
    pub fn hand_over(&mut self) -> io::Result<()> {
        let ours = open_end(&self.path, OFlags::WRONLY)?;
        self.sender = Some(Sender::from_file(File::from(ours))?);
        Ok(())
    }

    /// What the shim is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to write; once. Dropping it is the end of the stream.
    pub fn take(&mut self) -> Option<Sender> {
        self.sender.take()
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn make(path: &Path) -> io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(mknodat(rustix::fs::CWD, path, FileType::Fifo, mode, 0)?)
}

fn open_end(path: &Path, access: OFlags) -> io::Result<OwnedFd> {
    Ok(open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn output_ends_when_the_other_side_closes_and_not_before_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::create(&path).unwrap();
        let mut shim = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        output.hand_over();
        shim.write_all(b"hello").unwrap();
        drop(shim);
        let mut text = String::new();
        output.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
    }

    #[tokio::test]
    async fn input_written_before_the_other_side_came_arrives_with_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in");
        let mut input = Input::create(&path).unwrap();
        let mut shim = File::open(&path).unwrap();
        input.hand_over().unwrap();
        let mut sender = input.take().unwrap();
        sender.write_all(b"typed").await.unwrap();
        drop(sender);
        let text = tokio::task::spawn_blocking(move || std::io::read_to_string(&mut shim));
        assert_eq!(text.await.unwrap().unwrap(), "typed");
    }

    #[tokio::test]
    async fn input_of_a_process_that_has_ended_fails_instead_of_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let mut input = Input::create(&folder.path().join("in")).unwrap();
        input.hand_over().unwrap();
        let error = input.take().unwrap().write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
