//! Published ports: `-p` strings to bindings, and bindings to what a network is asked for.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail};
use engine::network::PortMapping;
use spec::api::{Config, HostConfig, NameSet, PortBinding, PortMap};
use spec::ports::{self, ContainerPort, PortRange, Protocol};

/// Reads `-p` and `--expose`.
pub fn parse(publish: &[String], expose: &[String]) -> Result<(PortMap, NameSet)> {
    let (mut bindings, mut exposed) = (PortMap::new(), NameSet::default());
    for text in publish {
        let published = ports::parse_one(text);
        let wrong = || format!("invalid port specification: \"{text}\"");
        for (port, binding) in published.with_context(wrong)? {
            if port.number == 0 {
                bail!("{}: the container has no port 0", wrong());
            }
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
        "" | "0" => free_port(host_ip, port.protocol, 0..=0)?,
        range if range.contains('-') => {
            let found = PortRange::parse(range)
                .with_context(|| format!("invalid host port \"{range}\""))?;
            free_port(host_ip, port.protocol, found.first..=found.last)?
        }
        number => number.parse().with_context(|| format!("invalid host port \"{number}\""))?,
    };
    let protocol = port.protocol.as_str().to_owned();
    Ok(PortMapping { host_port, host_ip, container_port: port.number, protocol })
}

/// A port that nobody listens on now. That the plugin still gets it is as likely as docker's own
/// choice, which is made the same way.
fn free_port(ip: Option<IpAddr>, protocol: Protocol, among: RangeInclusive<u16>) -> Result<u16> {
    let ip = ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let bind = |port: u16| match protocol {
        Protocol::Udp => UdpSocket::bind((ip, port)).and_then(|socket| socket.local_addr()),
        Protocol::Tcp | Protocol::Sctp => {
            TcpListener::bind((ip, port)).and_then(|socket| socket.local_addr())
        }
    };
    let mut tried = among.map(bind);
    let chosen = tried.find_map(Result::ok).context("no port of the host is free")?;
    Ok(chosen.port())
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
