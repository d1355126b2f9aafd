//! `network inspect`

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::host::Host;

/// A network as docker describes it.
pub(super) async fn network(host: &Host, name: &str) -> Result<Value> {
    let found = super::find(host, name).await?;
    host.list().await?;
    let ipam: Vec<Value> = if found.subnet.is_empty() {
        Vec::new()
    } else {
        vec![json!({"Subnet": found.subnet, "Gateway": found.gateway})]
    };
    let mut containers = Map::new();
    if found.driver != "null" {
        for (id, endpoint) in host.networks.members(&found.name).await? {
            let record = host.store.load(&id).map(|found| found.record);
            let name = record.map_or_else(|_| id.clone(), |record| record.name);
            let address = endpoint.addresses.iter().find(|(ip, _)| ip.is_ipv4());
            containers.insert(
                id,
                json!({
                    "Name": name,
                    "MacAddress": endpoint.mac,
                    "IPv4Address": address.map_or(String::new(), |(ip, prefix)| format!("{ip}/{prefix}")),
                    "IPv6Address": "",
                }),
            );
        }
    }
    Ok(json!({
        "Name": found.name,
        "Id": found.id,
        "Created": super::list::created(&found),
        "Scope": "local",
        "Driver": found.driver,
        "EnableIPv4": true,
        "EnableIPv6": false,
        "IPAM": {"Driver": "windows", "Options": null, "Config": ipam},
        "Internal": found.internal,
        "Attachable": false,
        "Ingress": false,
        "Containers": containers,
        "Options": {},
        "Labels": found.labels,
    }))
}
