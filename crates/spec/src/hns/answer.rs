//! What HNS answers, and what is kept of it.

use std::net::{IpAddr, Ipv4Addr};

/// A pool of addresses and its gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpamData {
    /// `172.20.0.0/16`.
    pub pool: String,
    /// The gateway, if one is known.
    pub gateway: Option<String>,
}

/// A subnet as HNS made it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubnetAnswer {
    /// Its pool.
    pub address_prefix: String,
    /// Its gateway, a bare address.
    pub gateway_address: String,
}

/// The pools of a network once HNS has made it: what HNS says replaces what was asked for.
pub fn ipam_after(subnets: &[SubnetAnswer]) -> Vec<IpamData> {
    let kept = |subnet: &SubnetAnswer| IpamData {
        pool: subnet.address_prefix.clone(),
        gateway: Some(format!("{}/32", subnet.gateway_address)),
    };
    subnets.iter().map(kept).collect()
}

/// An endpoint as HNS made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointAnswer {
    /// Its id.
    pub id: String,
    /// Its MAC address, with dashes.
    pub mac_address: String,
    /// Its address.
    pub ip_address: Ipv4Addr,
}

impl EndpointAnswer {
    /// The MAC address with colons, in lower case.
    pub fn mac(&self) -> String {
        self.mac_address.replace('-', ":").to_ascii_lowercase()
    }

    /// The address with the mask of its class: HNS does not say which it is.
    pub fn address(&self) -> String {
        match classful_prefix(self.ip_address) {
            Some(prefix) => format!("{}/{prefix}", self.ip_address),
            None => IpAddr::V4(self.ip_address).to_string(),
        }
    }
}

/// The prefix length that an address had before there were any; `None` for multicast and up.
pub fn classful_prefix(address: Ipv4Addr) -> Option<u8> {
    match address.octets()[0] {
        0..128 => Some(8),
        128..192 => Some(16),
        192..224 => Some(24),
        224.. => None,
    }
}
