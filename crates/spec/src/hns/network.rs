//! A network's document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::options::MacPool;
use super::{Driver, HnsError, IpamData, NetworkOptions, Policy};

/// A network that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRequest {
    /// Its driver.
    pub driver: Driver,
    /// Its id; its name in HNS unless an option gives another.
    pub id: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
    /// IPv4 pools; at least one. `0.0.0.0/0` lets HNS choose.
    pub ipv4: Vec<IpamData>,
    /// IPv6 pools; Windows has none.
    pub ipv6: Vec<IpamData>,
}

/// What to do in HNS for a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Post this document to `networks`.
    Create(HnsNetwork),
    /// It exists under this id: only endpoints that were left behind on it go.
    Adopt {
        /// Its id in HNS.
        hns_id: String,
    },
    /// HNS has no part in it.
    Nothing,
}

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HNS's")]
pub struct HnsNetwork {
    pub name: String,
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<HnsSubnet>,
    #[serde(rename = "DNSServerList", skip_serializing_if = "String::is_empty")]
    pub dns_server_list: String,
    #[serde(rename = "DNSSuffix", skip_serializing_if = "String::is_empty")]
    pub dns_suffix: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mac_pools: Vec<MacPool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub network_adapter_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
}

/// One of its subnets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HNS's")]
pub struct HnsSubnet {
    pub address_prefix: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway_address: String,
}

/// Decides what to do in HNS for a network.
pub fn network(request: &NetworkRequest) -> Result<Plan, HnsError> {
    if request.driver == Driver::Null {
        return Ok(Plan::Nothing);
    }
    let options = NetworkOptions::parse(&request.options)?;
    if !request.ipv6.is_empty() {
        return Err(HnsError::Ipv6);
    }
    if request.ipv4.is_empty() {
        return Err(HnsError::NoIpv4(request.id.clone()));
    }
    if !options.hns_id.is_empty() {
        return Ok(Plan::Adopt { hns_id: options.hns_id });
    }
    Ok(Plan::Create(document(request, options)))
}

fn document(request: &NetworkRequest, options: NetworkOptions) -> HnsNetwork {
    let name =
        if options.network_name.is_empty() { request.id.clone() } else { options.network_name };
    HnsNetwork {
        name,
        kind: request.driver.as_str().to_owned(),
        subnets: request.ipv4.iter().map(subnet).collect(),
        dns_server_list: options.dns_servers,
        dns_suffix: options.dns_suffix,
        mac_pools: options.mac_pools,
        network_adapter_name: options.interface,
        policies: policies(options.vlan_id, options.vsid),
    }
}

fn subnet(pool: &IpamData) -> HnsSubnet {
    HnsSubnet {
        address_prefix: pool.pool.clone(),
        gateway_address: pool.gateway.clone().unwrap_or_default(),
    }
}

fn policies(vlan: u32, vsid: u32) -> Vec<Policy> {
    let vlan = (vlan != 0).then_some(Policy::Vlan { id: vlan });
    let vsid = (vsid != 0).then_some(Policy::Vsid { id: vsid });
    vlan.into_iter().chain(vsid).collect()
}

/// An endpoint that HNS already has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingEndpoint {
    /// Its id.
    pub id: String,
    /// The HNS id of its network.
    pub virtual_network: String,
}

/// The endpoints to delete when the network `hns_id` is adopted.
pub fn stale_endpoints<'e>(hns_id: &str, existing: &'e [ExistingEndpoint]) -> Vec<&'e str> {
    let stale = existing.iter().filter(|endpoint| endpoint.virtual_network == hns_id);
    stale.map(|endpoint| endpoint.id.as_str()).collect()
}
