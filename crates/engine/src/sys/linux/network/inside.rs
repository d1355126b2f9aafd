//! What is done inside a pinned namespace: sockets for a server that itself stays outside, routes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::namespace::io_error;
use crate::error::ErrorKind;

/// Makes `gateway` the way out of the namespace, unless it has one.
pub(super) fn add_way_out(pin: &Path, gateway: Ipv4Addr) -> Result<(), ErrorKind> {
    within(pin, move || {
        super::link::add_default_route(gateway)
            .map_err(|e| ErrorKind::io(format!("add a default route by {gateway}"), e))
    })
}

/// Listens at `address` in the namespace, by datagrams and by streams.
pub(super) fn listen(
    pin: &Path,
    address: SocketAddr,
) -> Result<(UdpSocket, TcpListener), ErrorKind> {
    within(pin, move || {
        let datagrams = UdpSocket::bind(address);
        let streams = TcpListener::bind(address);
        let both = datagrams.and_then(|datagrams| Ok((datagrams, streams?)));
        both.map_err(|e| ErrorKind::io(format!("listen at {address} in a namespace"), e))
    })
}

/// Does `work` in the namespace.
pub(super) fn within<T: Send + 'static>(
    pin: &Path,
    work: impl FnOnce() -> Result<T, ErrorKind> + Send + 'static,
) -> Result<T, ErrorKind> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let namespace = open(pin, flags, Mode::empty()).map_err(|e| io_error("open", pin, e))?;
    // A thread of its own: it never returns to the namespace that it came from.
    let thread = std::thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|e| ErrorKind::io("enter a network namespace", e))?;
        work()
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
