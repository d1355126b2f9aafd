//! An endpoint's document.

use std::net::IpAddr;

use serde::Serialize;

use super::{Driver, HnsError, NatBinding, NetworkOptions, Policy, nat_policies};

/// An endpoint that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointRequest {
    /// A chosen MAC address, with colons.
    pub mac_address: Option<String>,
    /// A chosen address.
    pub ip_address: Option<IpAddr>,
    /// The container's DNS servers.
    pub dns_servers: Vec<String>,
    /// Cut off from other containers of the network.
    pub disable_icc: bool,
    /// Without the host's resolver.
    pub disable_dns: bool,
    /// Bytes per second that may leave; 0 is no limit.
    pub max_egress: u64,
    /// Published ports.
    pub ports: Vec<NatBinding>,
}

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HNS's")]
pub struct HnsEndpoint {
    pub virtual_network: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    #[serde(rename = "IPAddress", skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddr>,
    #[serde(rename = "DNSServerList", skip_serializing_if = "String::is_empty")]
    pub dns_server_list: String,
    #[serde(rename = "EnableInternalDNS", skip_serializing_if = "std::ops::Not::not")]
    pub enable_internal_dns: bool,
    #[serde(rename = "DisableICC", skip_serializing_if = "std::ops::Not::not")]
    pub disable_icc: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
}

/// The document for an endpoint on the network that HNS knows as `network`.
pub fn endpoint(
    driver: Driver,
    options: &NetworkOptions,
    network: &str,
    request: &EndpointRequest,
) -> Result<HnsEndpoint, HnsError> {
    let dns = !request.disable_dns && !options.disable_gateway_dns;
    Ok(HnsEndpoint {
        virtual_network: network.to_owned(),
        mac_address: request.mac_address.as_deref().unwrap_or_default().replace(':', "-"),
        ip_address: request.ip_address,
        dns_server_list: request.dns_servers.join(","),
        enable_internal_dns: driver == Driver::Nat && dns,
        disable_icc: request.disable_icc,
        policies: policies(options, request)?,
    })
}

/// Published ports, then the limit, then the network's outbound NAT.
fn policies(options: &NetworkOptions, request: &EndpointRequest) -> Result<Vec<Policy>, HnsError> {
    let mut policies = nat_policies(&request.ports)?;
    if request.max_egress != 0 {
        policies.push(Policy::Qos { maximum_outgoing_bandwidth_in_bytes: request.max_egress });
    }
    if options.enable_outbound_nat {
        let exception_list = options.outbound_nat_exceptions.clone();
        policies.push(Policy::OutBoundNAT { exception_list });
    }
    Ok(policies)
}

/// Bindings whose host ports must be reserved on the host first, so that a clash fails early.
pub fn ports_to_reserve(driver: Driver, request: &EndpointRequest) -> &[NatBinding] {
    if driver.reserves_ports() { &request.ports } else { &[] }
}
