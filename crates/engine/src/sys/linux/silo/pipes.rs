//! Pipes inside that sockets of the host answer.
//!
//! ```text
//! program --pipe--> guest --PipeClient--> silo host --connect--> socket
//!                         <--ConnectPipe, descriptor--
//! ```
//!
//! Only sockets that the document names are ever connected to. What passes is relayed by the guest
//! (`guest::win::served_pipes`); the silo host is out of the way once it has connected.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
};
use schema::guest::Call;

use super::guests::{Awaited, GuestId, Guests};
use super::host::Host;
use super::reached::ReachedPipe;
use crate::error::ErrorKind;
use crate::sys::os::streams::address;
use crate::sys::plan::PipeServer;
use crate::sys::protocol::GUEST;

impl Host {
    /// Opens the document's pipes, the first time it is called: the guest serves those that the
    /// host answers, and the others have sockets from now on.
    pub(super) fn serve_pipes(&mut self) -> Result<(), ErrorKind> {
        for pipe in std::mem::take(&mut self.plan.pipes) {
            if pipe.server == PipeServer::Inside {
                self.reached.push(ReachedPipe::listen(&pipe)?);
                continue;
            }
            let call = Call::ServePipe { name: pipe.name.clone() };
            self.served.push(pipe);
            self.guests
                .ask(Guests::RESIDENT, call, vec![], Awaited::BootPipe)
                .map_err(|_| ErrorKind::Disconnected(GUEST))?;
        }
        Ok(())
    }

    /// Connects a pipe's client, or sends it away.
    pub(super) fn on_pipe_client(&mut self, guest: GuestId, name: &str, client: u64) {
        // A guest that asks and does not read would fill our table of descriptors.
        if guest != Guests::RESIDENT || self.guests.is_behind(guest) {
            return;
        }
        let pipe = self.served.iter().find(|pipe| pipe.name == name);
        let connection = pipe.and_then(|pipe| connect_to(&pipe.socket).ok());
        let call = Call::ConnectPipe { client, connected: connection.is_some() };
        // A guest that is gone has no clients either.
        let _ = self.guests.ask(guest, call, connection.into_iter().collect(), Awaited::Nothing);
    }
}

/// A connection to a socket of the host. Does not wait: a server that does not keep up is as good
/// as none. Connected anew each time, so a server that was restarted is found again.
pub(super) fn connect_to(path: &Path) -> std::io::Result<OwnedFd> {
    let (folder, name) = (path.parent(), path.file_name());
    let (Some(folder), Some(name)) = (folder, name) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    // The descriptor keeps the short path good until the connection stands.
    let (_folder, short) = address(folder, name)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(short)?)?;
    sockopt::socket_error(&socket)??;
    // The guest's threads wait for it.
    rustix::io::ioctl_fionbio(&socket, false)?;
    Ok(socket)
}
