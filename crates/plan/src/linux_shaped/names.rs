//! What `/etc/resolv.conf` and `/etc/hosts` of a pod tell. Lines that say nothing are passed over, as
//! resolvers do; what only means something on the host (loopback) is left out.

use std::net::IpAddr;

use schema::names::Names;

pub(super) fn resolv_conf(text: &str, into: &mut Names) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                let server = server.filter(|server| !server.is_loopback());
                into.servers.extend(server.filter(|server| !into.servers.contains(server)));
            }
            Some("search" | "domain") => {
                into.search = words.map(str::to_owned).collect();
            }
            _ => {}
        }
    }
}

/// The first address of a name counts.
pub(super) fn hosts(text: &str, into: &mut Names) {
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        if address.is_loopback() || is_of_a_link(address) {
            continue;
        }
        for name in words {
            into.hosts.entry(name.to_owned()).or_insert(address);
        }
    }
}

/// The addresses of `ip6-localnet`, `ip6-allnodes` and the like.
fn is_of_a_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_multicast() || address.segments()[0] == 0xfe00,
    }
}
