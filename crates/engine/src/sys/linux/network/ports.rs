//! Published ports: each of the host's is given once.
//!
//! A published port is a rule of address translation and no socket, so the kernel would take it
//! twice. What is published stands in the attachments; what else listens on the host shows when
//! the port is tried.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use super::namespace::io_error;
use super::{attachment, namespace};
use crate::error::ErrorKind;
use crate::network::PortMapping;

/// Held while ports are checked and written down: two containers would both find one free.
pub(super) fn lock(pins: &Path) -> Result<fs::File, ErrorKind> {
    let path = pins.join(".ports.lock");
    fs::create_dir_all(pins).map_err(|e| io_error("create", pins, e))?;
    let file = fs::File::create(&path).map_err(|e| io_error("create", &path, e))?;
    file.lock().map_err(|e| io_error("lock", &path, e))?;
    Ok(file)
}

/// Refuses a port that another namespace than `own` publishes, or that something on the host listens
/// on.
pub(super) fn check(pins: &Path, own: &Path, wanted: &[PortMapping]) -> Result<(), ErrorKind> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut published = Vec::new();
    let others = namespace::list(pins)?.into_iter().map(|name| pins.join(name));
    for pin in others.filter(|pin| pin != own) {
        for network in attachment::list(&pin)? {
            let found = attachment::open(&pin, &network)?;
            published.extend(found.map(|attachment| attachment.now().ports).unwrap_or_default());
        }
    }
    match wanted.iter().find(|port| published.iter().any(|other| clash(port, other)) || busy(port))
    {
        None => Ok(()),
        Some(port) => Err(ErrorKind::HostLacks {
            what: format!(
                "bind for {}:{}/{} failed: port is already allocated",
                address(port),
                port.host_port,
                port.protocol
            ),
            mend: "publish another port, or stop what has this one".into(),
        }),
    }
}

fn clash(one: &PortMapping, other: &PortMapping) -> bool {
    let everywhere = |port: &PortMapping| address(port).is_unspecified();
    one.host_port == other.host_port
        && one.protocol == other.protocol
        && (everywhere(one) || everywhere(other) || address(one) == address(other))
}

fn busy(port: &PortMapping) -> bool {
    let place = SocketAddr::new(address(port), port.host_port);
    let tried = match port.protocol.as_str() {
        "udp" => UdpSocket::bind(place).map(drop),
        _ => TcpListener::bind(place).map(drop),
    };
    tried.is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse)
}

fn address(port: &PortMapping) -> IpAddr {
    port.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
