//! Published ports: `-p` strings to bindings, and bindings to what a network is asked for.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use anyhow::{Context, Result, bail};
use engine::network::PortMapping;
use spec::api::{Config, HostConfig, NameSet, PortBinding, PortMap};
use spec::ports::{ContainerPort, PortRange, Protocol};

/// Reads `-p` and `--expose`.
pub fn parse(publish: &[String], expose: &[String]) -> Result<(PortMap, NameSet)> {
    let (mut bindings, mut exposed) = (PortMap::new(), NameSet::default());
    for text in publish {
        for (port, binding) in published(text)? {
            exposed.insert(port.key());
            bindings.entry(port.key()).or_default().push(binding);
        }
    }
    for text in expose {
        for port in exposed_ports(text)? {
            exposed.insert(port.key());
        }
    }
    Ok((bindings, exposed))
}

/// `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`
fn published(text: &str) -> Result<Vec<(ContainerPort, PortBinding)>> {
    let wrong = || format!("invalid port specification: \"{text}\"");
    let (rest, protocol) = split_protocol(text).with_context(wrong)?;
    let (rest, container) = rest.rsplit_once(':').unwrap_or(("", rest));
    let (ip, host) = match rest.rsplit_once(':') {
        Some((ip, host)) => (ip.trim_start_matches('[').trim_end_matches(']'), host),
        None => ("", rest),
    };
    if !ip.is_empty() {
        ip.parse::<IpAddr>().with_context(wrong)?;
    }
    let container = PortRange::parse(container).with_context(wrong)?;
    if container.first == 0 {
        bail!(wrong());
    }
    let host = match host {
        "" => None,
        host => Some(PortRange::parse(host).with_context(wrong)?),
    };
    if host.is_some_and(|host| host.span() != container.span()) {
        bail!("{}: the ranges are not of the same length", wrong());
    }
    let ports = (container.first..=container.last).enumerate();
    Ok(ports
        .map(|(at, number)| {
            let host_port = host.map(|host| (usize::from(host.first) + at).to_string());
            let binding =
                PortBinding { host_ip: ip.to_owned(), host_port: host_port.unwrap_or_default() };
            (ContainerPort { number, protocol }, binding)
        })
        .collect())
}

fn exposed_ports(text: &str) -> Result<Vec<ContainerPort>> {
    let wrong = || format!("invalid range format for --expose: \"{text}\"");
    let (range, protocol) = split_protocol(text).with_context(wrong)?;
    let range = PortRange::parse(range).with_context(wrong)?;
    Ok((range.first..=range.last).map(|number| ContainerPort { number, protocol }).collect())
}

fn split_protocol(text: &str) -> Option<(&str, Protocol)> {
    match text.split_once('/') {
        Some((rest, protocol)) => Some((rest, Protocol::parse(protocol)?)),
        None => Some((text, Protocol::Tcp)),
    }
}

/// What a network is asked to publish. Ports that the user left open are chosen now.
pub fn mappings(config: &Config, host: &HostConfig) -> Result<Vec<PortMapping>> {
    let mut all = Vec::new();
    for (key, bindings) in &host.port_bindings {
        for binding in bindings {
            all.push(mapping(key, binding)?);
        }
    }
    if host.publish_all_ports {
        let open = config.exposed_ports.iter().filter(|key| !host.port_bindings.contains_key(*key));
        for key in open {
            all.push(mapping(key, &PortBinding::default())?);
        }
    }
    Ok(all)
}

fn mapping(key: &str, binding: &PortBinding) -> Result<PortMapping> {
    let port = ContainerPort::parse(key).with_context(|| format!("invalid port \"{key}\""))?;
    if port.protocol == Protocol::Sctp {
        bail!("port {key} cannot be published: only tcp and udp can");
    }
    let host_ip = match binding.host_ip.as_str() {
        "" => None,
        ip => Some(ip.parse().with_context(|| format!("invalid address \"{ip}\""))?),
    };
    let host_port = match binding.host_port.as_str() {
        "" | "0" => free_port(host_ip, port.protocol)?,
        number => number.parse().with_context(|| format!("invalid host port \"{number}\""))?,
    };
    let protocol = port.protocol.as_str().to_owned();
    Ok(PortMapping { host_port, host_ip, container_port: port.number, protocol })
}

/// A port that nobody listens on now. That the plugin still gets it is as likely as docker's own
/// choice, which is made the same way.
fn free_port(ip: Option<IpAddr>, protocol: Protocol) -> Result<u16> {
    let address = (ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 0);
    let chosen = match protocol {
        Protocol::Udp => UdpSocket::bind(address).and_then(|socket| socket.local_addr()),
        Protocol::Tcp | Protocol::Sctp => {
            TcpListener::bind(address).and_then(|socket| socket.local_addr())
        }
    };
    Ok(chosen.context("looking for a free port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(text: &str) -> Vec<(String, String, String)> {
        let (map, _) = parse(&[text.to_owned()], &[]).unwrap();
        map.into_iter()
            .flat_map(|(key, all)| {
                all.into_iter().map(move |b| (key.clone(), b.host_ip, b.host_port))
            })
            .collect()
    }

    fn of(key: &str, ip: &str, port: &str) -> (String, String, String) {
        (key.to_owned(), ip.to_owned(), port.to_owned())
    }

    #[test]
    fn every_form_of_a_published_port_is_read() {
        assert_eq!(bindings("80"), [of("80/tcp", "", "")]);
        assert_eq!(bindings("8080:80"), [of("80/tcp", "", "8080")]);
        assert_eq!(bindings("127.0.0.1:8080:80/udp"), [of("80/udp", "127.0.0.1", "8080")]);
        assert_eq!(bindings("127.0.0.1::80"), [of("80/tcp", "127.0.0.1", "")]);
        assert_eq!(bindings("[::1]:8080:80"), [of("80/tcp", "::1", "8080")]);
        assert_eq!(
            bindings("8080-8081:80-81"),
            [of("80/tcp", "", "8080"), of("81/tcp", "", "8081")]
        );
    }

    #[test]
    fn a_port_that_is_none_is_refused() {
        for text in ["", "x", "70000", "80:", ":0", "8080-8082:80-81", "1.2.3:80:80", "80/foo"] {
            assert!(parse(&[text.to_owned()], &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_left_open_is_chosen() {
        let (map, exposed) = parse(&["80".to_owned()], &["90".to_owned()]).unwrap();
        let config = Config { exposed_ports: exposed, ..Config::default() };
        let mut host = HostConfig { port_bindings: map, ..HostConfig::default() };
        assert_ne!(mappings(&config, &host).unwrap()[0].host_port, 0);
        host.publish_all_ports = true;
        assert_eq!(mappings(&config, &host).unwrap().len(), 2);
    }
}
