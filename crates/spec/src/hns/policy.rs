//! Policies of networks and endpoints, and published ports as NAT policies.

use std::net::IpAddr;

use serde::Serialize;

use super::HnsError;
use crate::ports::Protocol;

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "Type")]
#[expect(missing_docs, reason = "the members are HNS's")]
pub enum Policy {
    #[serde(rename = "VLAN")]
    Vlan {
        #[serde(rename = "VLAN")]
        id: u32,
    },
    #[serde(rename = "VSID")]
    Vsid {
        #[serde(rename = "VSID")]
        id: u32,
    },
    #[serde(rename = "NAT", rename_all = "PascalCase")]
    Nat {
        protocol: &'static str,
        internal_port: u16,
        /// 0 lets HNS choose.
        #[serde(skip_serializing_if = "is_zero_port")]
        external_port: u16,
        external_port_reserved: bool,
    },
    #[serde(rename = "QOS", rename_all = "PascalCase")]
    Qos { maximum_outgoing_bandwidth_in_bytes: u64 },
    #[serde(rename_all = "PascalCase")]
    OutBoundNAT {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        exception_list: Vec<String>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's calling convention")]
fn is_zero_port(port: &u16) -> bool {
    *port == 0
}

/// A port of a container and where it is to be published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatBinding {
    /// The protocol's name as asked for.
    pub protocol: String,
    /// The container's port.
    pub port: u16,
    /// The first host port; 0 lets the host choose.
    pub host_port: u16,
    /// The last host port.
    pub host_port_end: u16,
    /// The host's address, if one was asked for.
    pub host_ip: Option<IpAddr>,
}

/// A NAT policy for each binding; the first that HNS cannot do fails.
pub fn nat_policies(bindings: &[NatBinding]) -> Result<Vec<Policy>, HnsError> {
    bindings.iter().map(nat_policy).collect()
}

fn nat_policy(binding: &NatBinding) -> Result<Policy, HnsError> {
    let publishable = |protocol: &Protocol| matches!(protocol, Protocol::Tcp | Protocol::Udp);
    let protocol = Protocol::parse(&binding.protocol)
        .filter(publishable)
        .ok_or_else(|| HnsError::Protocol(refused_protocol(&binding.protocol)))?;
    if binding.host_port != binding.host_port_end {
        return Err(HnsError::PortRange);
    }
    if binding.host_ip.is_some_and(|ip| !ip.is_unspecified()) {
        return Err(HnsError::HostAddress);
    }
    Ok(Policy::Nat {
        protocol: protocol.as_str(),
        internal_port: binding.port,
        external_port: binding.host_port,
        external_port_reserved: true,
    })
}

/// A protocol that exists by its name, anything else as number 0.
fn refused_protocol(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "icmp" | "sctp") { name } else { "0".to_owned() }
}
