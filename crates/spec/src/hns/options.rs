//! Options of a network, `com.docker.network.windowsshim.*`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::HnsError;

const PREFIX: &str = "com.docker.network.windowsshim.";

/// Options as they were understood. Unknown ones, and those that the original reads and forgets, are
/// not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members are the options' own names")]
pub struct NetworkOptions {
    pub network_name: String,
    /// The network exists in HNS under this id.
    pub hns_id: String,
    pub interface: String,
    /// 0 is none.
    pub vlan_id: u32,
    /// 0 is none.
    pub vsid: u32,
    pub dns_suffix: String,
    pub dns_servers: String,
    pub mac_pools: Vec<MacPool>,
    pub disable_gateway_dns: bool,
    pub enable_outbound_nat: bool,
    pub outbound_nat_exceptions: Vec<String>,
}

/// MAC addresses from the first to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are HNS's")]
pub struct MacPool {
    pub start_mac_address: String,
    pub end_mac_address: String,
}

impl NetworkOptions {
    /// Reads a network's options.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self, HnsError> {
        let mut parsed = Self::default();
        for (name, value) in options {
            if let Some(name) = name.strip_prefix(PREFIX) {
                parsed.set(name, value)?;
            }
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), HnsError> {
        match name {
            "networkname" => value.clone_into(&mut self.network_name),
            "hnsid" => value.clone_into(&mut self.hns_id),
            "interface" => value.clone_into(&mut self.interface),
            "dnssuffix" => value.clone_into(&mut self.dns_suffix),
            "dnsservers" => value.clone_into(&mut self.dns_servers),
            "vlanid" => self.vlan_id = number("vlanid", value)?,
            "vsid" => self.vsid = number("vsid", value)?,
            "macpool" => self.mac_pools = mac_pools(value)?,
            "disable_gatewaydns" => {
                self.disable_gateway_dns = boolean("disable_gatewaydns", value)?;
            }
            "enable_outboundnat" => {
                self.enable_outbound_nat = boolean("enable_outboundnat", value)?;
            }
            "outboundnat_exceptions" => {
                self.outbound_nat_exceptions = value.split(',').map(str::to_owned).collect();
            }
            _ => {}
        }
        Ok(())
    }
}

fn number(option: &'static str, value: &str) -> Result<u32, HnsError> {
    // The parser of the standard library takes a plus sign as well.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = if digits { value.parse().ok() } else { None };
    parsed.ok_or_else(|| HnsError::Number { option, value: value.to_owned() })
}

fn boolean(option: &'static str, value: &str) -> Result<bool, HnsError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(HnsError::Bool { option, value: value.to_owned() }),
    }
}

fn mac_pools(value: &str) -> Result<Vec<MacPool>, HnsError> {
    let addresses: Vec<&str> = value.split(',').collect();
    let (pairs, rest) = addresses.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(HnsError::MacPool);
    }
    let pool = |[start, end]: &[&str; 2]| MacPool {
        start_mac_address: (*start).to_owned(),
        end_mac_address: (*end).to_owned(),
    };
    Ok(pairs.iter().map(pool).collect())
}
