//! Streams between the processes of one Transom: Unix sockets.
//!
//! A Unix socket's address holds 107 bytes. The folder is therefore opened first and named by its
//! descriptor; a short name is then all that the address has to hold.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{FileType, Mode, OFlags};

pub use tokio::net::unix::{OwnedReadHalf as ReadHalf, OwnedWriteHalf as WriteHalf};
pub use tokio::net::{UnixListener as Listener, UnixStream as Stream};

/// Listens under a name in `folder`, which must exist. Only the holder of the container's lock does
/// this, so a socket that is there already is a dead process'.
pub fn listen(folder: &Path, name: &str) -> io::Result<Listener> {
    remove(folder, name)?;
    let (_folder, address) = address(folder, name)?;
    Listener::bind(address)
}

/// Connects to whoever listens there.
pub async fn connect(folder: &Path, name: &str) -> io::Result<Stream> {
    let (_folder, address) = address(folder, name)?;
    Stream::connect(address).await
}

/// Removes it; one that is gone is a success.
pub fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match std::fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A socket in a folder by an address that is short, as long as the descriptor is open.
pub(crate) fn address(folder: &Path, name: impl AsRef<Path>) -> io::Result<(OwnedFd, PathBuf)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    Ok((folder, short.join(name)))
}

/// Starts a program with a stream to it as its stdin.
pub fn spawn_joined(command: &mut Command) -> io::Result<(Child, Stream)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    ours.set_nonblocking(true)?;
    Ok((child, Stream::from_std(ours)?))
}

/// The stream that whoever started this process speaks to it over; its stdin is closed, so that
/// nobody who is started from here holds it too.
pub fn joined() -> io::Result<Option<Stream>> {
    let stdin = io::stdin();
    let kind = rustix::fs::fstat(&stdin)?.st_mode;
    if FileType::from_raw_mode(kind) != FileType::Socket {
        return Ok(None);
    }
    let ours = rustix::io::fcntl_dupfd_cloexec(stdin.as_fd(), 3)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY, Mode::empty())?;
    rustix::stdio::dup2_stdin(null)?;
    let stream = StdUnixStream::from(ours);
    stream.set_nonblocking(true)?;
    Stream::from_std(stream).map(Some)
}
