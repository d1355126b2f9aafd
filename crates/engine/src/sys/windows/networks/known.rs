//! The host's networks, which are Windows' and not Transom's: any of them can be joined.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{guid, hcn};
use crate::error::ErrorKind;
use crate::network::Definition;

/// The network of containers that name none. It is made when it is not there, as Docker makes it.
const DEFAULT: &str = "nat";

/// `HostComputeNetwork`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Told {
    name: String,
    #[serde(rename = "Type")]
    kind: String,
    ipams: Vec<Ipam>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Ipam {
    subnets: Vec<Subnet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Subnet {
    ip_address_prefix: String,
    routes: Vec<Route>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Route {
    next_hop: String,
}

/// All of them. One that goes meanwhile is left out.
pub(super) fn all() -> Result<Vec<(Uuid, Definition)>, ErrorKind> {
    let mut all = Vec::new();
    for id in hcn::networks()? {
        let id = guid(&id);
        match hcn::query_network(id) {
            Err(ErrorKind::NotFound(_)) => {}
            told => all.push((id, read(id, &told?)?)),
        }
    }
    Ok(all)
}

/// The network of a name, whatever its case.
pub(super) fn find_or_make(name: &str) -> Result<Uuid, ErrorKind> {
    let found = all()?.into_iter().find(|(_, one)| one.name.eq_ignore_ascii_case(name));
    match found {
        Some((id, _)) => Ok(id),
        None if name == DEFAULT => make_default(),
        None => Err(ErrorKind::NotFound("network")),
    }
}

/// Windows chooses its addresses. Its id is the same for everybody, so that of two who make it at
/// the same time one finds it made.
fn make_default() -> Result<Uuid, ErrorKind> {
    let id = guid("transom network nat");
    let settings = json!({
        "Name": DEFAULT,
        "Type": "NAT",
        "SchemaVersion": { "Major": 2, "Minor": 0 },
    });
    match hcn::create_network(id, &settings.to_string()) {
        Ok(()) | Err(ErrorKind::AlreadyExists) => Ok(id),
        Err(other) => Err(other),
    }
}

fn read(id: Uuid, text: &str) -> Result<Definition, ErrorKind> {
    let told = serde_json::from_str::<Told>(text)
        .map_err(|error| ErrorKind::io("read the network", std::io::Error::other(error)))?;
    let subnet = told.ipams.into_iter().flat_map(|ipam| ipam.subnets).next().unwrap_or_default();
    Ok(Definition {
        name: told.name,
        id: id.simple().to_string(),
        driver: told.kind.to_lowercase(),
        subnet: subnet.ip_address_prefix,
        gateway: subnet.routes.into_iter().next().unwrap_or_default().next_hop,
        internal: matches!(&*told.kind, "Internal" | "Private"),
        ..Definition::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_driver_and_addresses_are_read() {
        let text = r#"{"ID":"x","Name":"nat","Type":"NAT","Ipams":[{"Type":"Static","Subnets":[
            {"IpAddressPrefix":"172.20.0.0/20","Routes":[{"NextHop":"172.20.0.1"}]}]}]}"#;
        let network = read(Uuid::nil(), text).unwrap();
        assert_eq!((&*network.name, &*network.driver), ("nat", "nat"));
        assert_eq!((&*network.subnet, &*network.gateway), ("172.20.0.0/20", "172.20.0.1"));
    }
}
