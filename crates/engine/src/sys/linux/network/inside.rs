//! Sockets in a pinned namespace, for a server that itself stays outside.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::namespace::io_error;
use crate::error::ErrorKind;

/// Listens at `address` in the namespace, by datagrams and by streams.
pub(super) fn listen(
    pin: &Path,
    address: SocketAddr,
) -> Result<(UdpSocket, TcpListener), ErrorKind> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let namespace = open(pin, flags, Mode::empty()).map_err(|e| io_error("open", pin, e))?;
    // A thread of its own: it never returns to the namespace that it came from.
    let made = std::thread::spawn(move || {
        move_into_link_name_space(
            std::os::fd::AsFd::as_fd(&namespace),
            Some(LinkNameSpaceType::Network),
        )
        .map_err(|e| ErrorKind::io("enter a network namespace", e))?;
        let datagrams = UdpSocket::bind(address);
        let streams = TcpListener::bind(address);
        let both = datagrams.and_then(|datagrams| Ok((datagrams, streams?)));
        both.map_err(|e| ErrorKind::io(format!("listen at {address} in a namespace"), e))
    });
    made.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
