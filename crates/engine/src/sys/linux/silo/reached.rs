//! Pipes inside that the host reaches by sockets of its own.
//!
//! ```text
//! program of the host --connect--> socket --silo host--> guest: OpenPipe, descriptor
//!                                                         guest --pipe--> program inside
//! ```
//!
//! The socket lies in a folder that the document names, and is there while the system is. What
//! passes is relayed by the guest (`guest::win::reached_pipes`).

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with,
};
use schema::guest::Call;

use super::guests::{Awaited, Guests};
use super::host::Host;
use crate::error::ErrorKind;
use crate::sys::os::streams::address;
use crate::sys::plan::PipePlan;

/// Connections that wait to be taken.
const BACKLOG: i32 = 128;

/// A socket of the host that stands for a pipe inside; its file goes with this value.
#[derive(Debug)]
pub(super) struct ReachedPipe {
    name: String,
    path: PathBuf,
    listener: OwnedFd,
}

impl ReachedPipe {
    pub(super) fn listen(plan: &PipePlan) -> Result<Self, ErrorKind> {
        let path = plan.socket.clone();
        let fail = |e| ErrorKind::io(format!("listen at {}", path.display()), e);
        clear(&path)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(fail(io::ErrorKind::InvalidInput.into()));
        };
        let (_folder, short) = address(folder, name).map_err(fail)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let open = || {
            let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            bind(&listener, &SocketAddrUnix::new(short)?)?;
            listen(&listener, BACKLOG)?;
            Ok::<_, rustix::io::Errno>(listener)
        };
        let listener = open().map_err(|e| fail(e.into()))?;
        Ok(Self { name: plan.name.clone(), path, listener })
    }
}

impl AsFd for ReachedPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for ReachedPipe {
    fn drop(&mut self) {
        // Somebody may have tidied up already.
        let _ = fs::remove_file(&self.path);
    }
}

impl Host {
    /// Passes on connections, while the guest takes them.
    pub(super) fn on_reached(&mut self, at: usize) {
        let Some(pipe) = self.reached.get(at) else { return };
        let connection = accept_with(&pipe.listener, SocketFlags::CLOEXEC);
        let call = Call::OpenPipe { name: pipe.name.clone() };
        if let Ok(connection) = connection {
            // Dropped, it is closed: nobody serves it.
            let _ = self.guests.ask(Guests::RESIDENT, call, vec![connection], Awaited::Nothing);
        }
    }
}

/// Removes the socket of a silo host that was killed; what is anything else stays. Only a refused
/// connection proves that nobody listens: one that is busy, or not ours to talk to, is somebody's.
fn clear(path: &Path) -> Result<(), ErrorKind> {
    let Ok(about) = fs::symlink_metadata(path) else { return Ok(()) };
    let tried = about.file_type().is_socket().then(|| super::pipes::connect_to(path));
    let refused = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
    if !tried.is_some_and(|tried| tried.is_err_and(refused)) {
        return Err(ErrorKind::InvalidDocument {
            field: "Container.MappedPipes.HostPath".into(),
            value: path.display().to_string(),
            rule: "the socket is to be made there, and something else is there".into(),
        });
    }
    fs::remove_file(path).map_err(|e| ErrorKind::io(format!("remove {}", path.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_at_which_nobody_listens_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe.sock");
        let listener =
            socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
        let listener = listener.unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        // It has as many connections as it takes, and is asked for another.
        let _first = super::super::pipes::connect_to(&path).unwrap();
        let busy = super::super::pipes::connect_to(&path).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::WouldBlock);
        clear(&path).unwrap_err();
        assert!(path.exists(), "a server that is busy lost its socket");
        drop(listener);
        // A process that another test starts just now holds it too, until it has become its program.
        let since = std::time::Instant::now();
        while clear(&path).is_err() && since.elapsed().as_secs() < 20 {
            std::thread::yield_now();
        }
        assert!(!path.exists(), "what a killed silo host left is in the way");
        clear(&path).unwrap();
    }
}
