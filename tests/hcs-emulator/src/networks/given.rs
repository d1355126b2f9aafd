//! What the network service gives where nothing was asked for: a network's subnet, and an endpoint's
//! addresses. And what it has only once: a port of the host.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Kind, Networks, Refused};
use crate::codes;

/// How many addresses a subnet has to give.
const MOST: u8 = 254;

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

impl Networks {
    /// A network without addresses gets some.
    pub(super) fn subnet(&self, network: &mut Value) {
        if !is_empty(&network["Ipams"]) {
            return;
        }
        let place = self.ids(Kind::Network).count() % usize::from(u8::MAX);
        let route =
            json!({ "NextHop": format!("172.31.{place}.1"), "DestinationPrefix": "0.0.0.0/0" });
        let subnet =
            json!({ "IpAddressPrefix": format!("172.31.{place}.0/24"), "Routes": [route] });
        network["Ipams"] = json!([{ "Type": "Static", "Subnets": [subnet] }]);
    }

    /// An endpoint gets what it has not asked for: an address of its network's subnet that no other
    /// has, the way out, and a MAC address.
    pub(super) fn address(&self, endpoint: &mut Value, network: Uuid, id: Uuid) {
        if endpoint["MacAddress"].is_null() {
            let [a, b, c, ..] = *id.as_bytes();
            endpoint["MacAddress"] = json!(format!("00-15-5D-{a:02X}-{b:02X}-{c:02X}"));
        }
        let subnet = &self.things[&(Kind::Network, network)]["Ipams"][0]["Subnets"][0];
        if is_empty(&endpoint["Routes"]) && !is_empty(&subnet["Routes"]) {
            endpoint["Routes"] = subnet["Routes"].clone();
        }
        let prefix = subnet["IpAddressPrefix"].as_str().and_then(|prefix| prefix.split_once('/'));
        let Some((first, length)) = prefix else { return };
        let (Ok(first), Ok(length)) = (first.parse::<Ipv4Addr>(), length.parse::<u8>()) else {
            return;
        };
        if is_empty(&endpoint["IpConfigurations"]) {
            let free = (2..MOST)
                .map(|place| Ipv4Addr::from(u32::from(first) + u32::from(place)).to_string());
            let free = free.into_iter().find(|address| !self.has(network, address));
            endpoint["IpConfigurations"] = json!([{ "IpAddress": free }]);
        }
        let asked = &mut endpoint["IpConfigurations"][0];
        if asked["PrefixLength"].is_null() {
            asked["PrefixLength"] = json!(length);
        }
    }

    fn has(&self, network: Uuid, address: &str) -> bool {
        self.of_kind(Kind::Endpoint).any(|endpoint| {
            endpoint["HostComputeNetwork"] == json!(network)
                && endpoint["IpConfigurations"][0]["IpAddress"] == address
        })
    }

    /// A port of the host is one endpoint's.
    pub(super) fn publish(&self, endpoint: &Value) -> Result<(), Refused> {
        let taken = ports(endpoint)
            .any(|port| self.of_kind(Kind::Endpoint).any(|other| ports(other).any(|p| p == port)));
        if taken { Err(codes::PORT_EXISTS.into()) } else { Ok(()) }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.things.iter().filter(move |((other, _), _)| *other == kind).map(|(_, thing)| thing)
    }
}

/// The protocols, ports and addresses of the host that an endpoint has.
fn ports(endpoint: &Value) -> impl Iterator<Item = [&Value; 3]> {
    let policies = endpoint["Policies"].as_array().into_iter().flatten();
    policies.filter(|policy| policy["Type"] == "PortMapping").map(|policy| {
        let settings = &policy["Settings"];
        [&settings["Protocol"], &settings["ExternalPort"], &settings["VIP"]]
    })
}
