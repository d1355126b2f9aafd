//! An endpoint as Windows describes it.

use std::net::IpAddr;

use serde::Deserialize;

use crate::error::ErrorKind;
use crate::network::Endpoint;

/// `HostComputeEndpoint`, as far as a container sees it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Told {
    name: String,
    mac_address: String,
    ip_configurations: Vec<Address>,
    routes: Vec<Route>,
    dns: Dns,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Address {
    ip_address: String,
    prefix_length: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Route {
    next_hop: String,
    destination_prefix: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Dns {
    search: Vec<String>,
    server_list: Vec<String>,
}

/// Reads a description; what is no address in it is left out.
pub(super) fn read(id: &str, text: &str) -> Result<Endpoint, ErrorKind> {
    let told = serde_json::from_str::<Told>(text)
        .map_err(|error| ErrorKind::io("read the endpoint", std::io::Error::other(error)))?;
    let is_default = |route: &&Route| matches!(&*route.destination_prefix, "0.0.0.0/0" | "::/0");
    let address =
        |address: &Address| Some((address.ip_address.parse().ok()?, address.prefix_length));
    Ok(Endpoint {
        network: id.to_owned(),
        interface: told.name,
        mac: told.mac_address.replace('-', ":").to_lowercase(),
        addresses: told.ip_configurations.iter().filter_map(address).collect(),
        gateway: told.routes.iter().find(is_default).and_then(|route| route.next_hop.parse().ok()),
        dns_servers: told
            .dns
            .server_list
            .iter()
            .filter_map(|server| server.parse::<IpAddr>().ok())
            .collect(),
        dns_search: told.dns.search,
        ports: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoints_addresses_gateway_and_names_are_read() {
        let text = r#"{"ID":"x","Name":"eth0","MacAddress":"00-15-5D-AA-BB-CC",
            "IpConfigurations":[{"IpAddress":"10.0.0.4","PrefixLength":24},{"IpAddress":"?"}],
            "Routes":[{"NextHop":"10.0.0.1","DestinationPrefix":"0.0.0.0/0"}],
            "Dns":{"Search":["a.example"],"ServerList":["10.0.0.2"]}}"#;
        let endpoint = read("x", text).expect("it is right");
        assert_eq!(endpoint.mac, "00:15:5d:aa:bb:cc");
        assert_eq!(endpoint.addresses, [("10.0.0.4".parse().expect("an address"), 24)]);
        assert_eq!(endpoint.gateway, Some("10.0.0.1".parse().expect("an address")));
        assert_eq!(endpoint.dns_search, ["a.example"]);
        assert_eq!(endpoint.dns_servers.len(), 1);
    }
}
