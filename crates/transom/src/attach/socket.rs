//! Where a monitor listens, whatever the length of the state directory's path.
//!
//! A Unix socket's address holds 107 bytes. The folder is therefore opened first and named by its
//! descriptor; the container's short id is then all that the address has to hold.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tokio::net::{UnixListener, UnixStream};

/// Binds the socket of container `id` in `folder`, which must exist. Only the holder of the
/// container's lock does this, so a socket that is there already is a dead monitor's.
pub fn listen(folder: &Path, id: &str) -> io::Result<UnixListener> {
    remove(folder, id)?;
    let (_folder, address) = address(folder, id)?;
    UnixListener::bind(address)
}

/// Connects to it.
pub async fn connect(folder: &Path, id: &str) -> io::Result<UnixStream> {
    let (_folder, address) = address(folder, id)?;
    UnixStream::connect(address).await
}

/// Removes it; one that is gone is a success.
pub fn remove(folder: &Path, id: &str) -> io::Result<()> {
    match std::fs::remove_file(folder.join(name(id))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn name(id: &str) -> &str {
    // 16 of 64 hexadecimal digits: two containers of one host never share them.
    id.get(..16).unwrap_or(id)
}

fn address(folder: &Path, id: &str) -> io::Result<(OwnedFd, PathBuf)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let address = format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), name(id));
    Ok((folder, address.into()))
}
