//! `-p` strings.

use std::net::IpAddr;

use thiserror::Error;

use super::{ContainerPort, PortRange, Protocol};
use crate::api::{PortBinding, PortMap};

/// Why a `-p` string publishes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PortError {
    /// No container port.
    #[error("no port specified: {0}<empty>")]
    Missing(String),
    /// No port or range of the container.
    #[error("invalid containerPort: {0}")]
    Container(String),
    /// No port or range of the host.
    #[error("invalid hostPort: {0}")]
    Host(String),
    /// No address.
    #[error("invalid IP address: {0}")]
    Address(String),
    /// No protocol.
    #[error("invalid proto: {0}")]
    Protocol(String),
    /// Two ranges of different lengths.
    #[error("invalid ranges specified for container and host Ports: {container} and {host}")]
    Lengths {
        /// The container's.
        container: String,
        /// The host's.
        host: String,
    },
}

/// Reads `-p` strings: `[[ip:][host port[-range]]:]container port[-range][/protocol]`.
pub fn parse<S: AsRef<str>>(specs: &[S]) -> Result<PortMap, PortError> {
    let mut map = PortMap::new();
    for spec in specs {
        for (port, binding) in parse_one(spec.as_ref())? {
            map.entry(port.key()).or_default().push(binding);
        }
    }
    Ok(map)
}

/// Reads one `-p` string: a pair for each port of its range.
pub fn parse_one(spec: &str) -> Result<Vec<(ContainerPort, PortBinding)>, PortError> {
    let (addresses, protocol) = spec.rsplit_once('/').unwrap_or((spec, "tcp"));
    let protocol =
        Protocol::parse(protocol).ok_or_else(|| PortError::Protocol(protocol.to_owned()))?;
    let (host, container) = addresses.rsplit_once(':').unwrap_or(("", addresses));
    if container.is_empty() {
        return Err(PortError::Missing(spec.to_owned()));
    }
    let (ip, host) = host.rsplit_once(':').unwrap_or(("", host));
    let host_ip = address(ip)?;
    let ports =
        PortRange::parse(container).ok_or_else(|| PortError::Container(container.to_owned()))?;
    let hosts = match host {
        "" => None,
        text => Some(PortRange::parse(text).ok_or_else(|| PortError::Host(text.to_owned()))?),
    };
    let host_port = host_ports(ports, hosts).ok_or_else(|| PortError::Lengths {
        container: container.to_owned(),
        host: host.to_owned(),
    })?;
    let each = (ports.first..=ports.last).enumerate().map(|(at, number)| {
        let host_port = host_port(at);
        (ContainerPort { number, protocol }, PortBinding { host_ip: host_ip.clone(), host_port })
    });
    Ok(each.collect())
}

/// The host's port for each of the container's: none, one each, or any free one out of a range for
/// a single port. `None` when the lengths do not go together.
fn host_ports(ports: PortRange, hosts: Option<PortRange>) -> Option<impl Fn(usize) -> String> {
    let fits = hosts.is_none_or(|hosts| hosts.span() == ports.span() || ports.span() == 0);
    fits.then_some(move |at: usize| match hosts {
        None => String::new(),
        Some(hosts) if hosts.span() == ports.span() => (usize::from(hosts.first) + at).to_string(),
        Some(hosts) => format!("{}-{}", hosts.first, hosts.last),
    })
}

/// An address, IPv6 in brackets; empty for all.
fn address(text: &str) -> Result<String, PortError> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Ok(ip.to_string()),
        Err(_) => Err(PortError::Address(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(spec: &str) -> Vec<(String, String, String)> {
        let pairs = parse_one(spec).unwrap();
        pairs.into_iter().map(|(port, b)| (port.key(), b.host_ip, b.host_port)).collect()
    }

    fn one(port: &str, ip: &str, host: &str) -> (String, String, String) {
        (port.to_owned(), ip.to_owned(), host.to_owned())
    }

    #[test]
    fn every_form_of_publishing() {
        assert_eq!(published("80"), [one("80/tcp", "", "")]);
        assert_eq!(published("8080:80/udp"), [one("80/udp", "", "8080")]);
        assert_eq!(published("127.0.0.1::80"), [one("80/tcp", "127.0.0.1", "")]);
        assert_eq!(published("[::1]:8080:80"), [one("80/tcp", "::1", "8080")]);
        assert_eq!(published("8000-8001:80-81")[1], one("81/tcp", "", "8001"));
        assert_eq!(published("8000-8009:80"), [one("80/tcp", "", "8000-8009")]);
    }

    #[test]
    fn what_is_no_port_is_named() {
        assert_eq!(parse_one("8080:"), Err(PortError::Missing("8080:".to_owned())));
        assert_eq!(parse_one("x:80"), Err(PortError::Host("x".to_owned())));
        assert_eq!(parse_one("80/tpc"), Err(PortError::Protocol("tpc".to_owned())));
        assert_eq!(parse_one("90-80"), Err(PortError::Container("90-80".to_owned())));
        assert_eq!(parse_one("65536"), Err(PortError::Container("65536".to_owned())));
        assert!(matches!(parse_one("1-3:80-81"), Err(PortError::Lengths { .. })));
        assert!(matches!(parse_one("nope:1:80"), Err(PortError::Address(_))));
    }
}
