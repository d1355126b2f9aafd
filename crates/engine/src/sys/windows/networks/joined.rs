//! Joining a network by its name: an endpoint is made for that, and goes again with its namespace.
//!
//! Such endpoints carry their namespace in their name, so that they are found whatever has happened
//! to the namespace, or to whoever made them. One that somebody else made is only moved.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{change, endpoint, gone_is_fine, hcn, known};
use crate::error::ErrorKind;
use crate::network::{Endpoint, EndpointRequest, PortMapping};

/// `IPPROTO_TCP` and `IPPROTO_UDP`.
const TCP: u32 = 6;
const UDP: u32 = 17;

/// What a namespace's own endpoints are called.
fn name(namespace: Uuid) -> String {
    format!("transom-{namespace}")
}

/// The endpoint of a namespace on a network, the same for everybody.
fn id(namespace: Uuid, network: &str) -> Uuid {
    Uuid::new_v5(&namespace, network.to_lowercase().as_bytes())
}

/// Makes an endpoint on the network and puts it into the namespace. All or nothing.
pub(super) fn join(namespace: Uuid, wanted: &EndpointRequest) -> Result<Endpoint, ErrorKind> {
    let network = known::find_or_make(&wanted.network)?;
    let id = id(namespace, &wanted.network);
    hcn::create_endpoint(network, id, &settings(namespace, network, wanted)?)?;
    let put = || {
        hcn::modify_namespace(namespace, &change("Add", &id.to_string()))?;
        endpoint::read(&wanted.network, &hcn::query_endpoint(id)?)
    };
    let joined = put().inspect_err(|_| {
        // The first failure is the one to tell.
        let _ = leave(namespace, &wanted.network);
    })?;
    Ok(Endpoint { ports: wanted.ports.clone(), ..joined })
}

/// Removes the endpoint that was made for it; one that is gone is a success.
pub(super) fn leave(namespace: Uuid, network: &str) -> Result<(), ErrorKind> {
    let id = id(namespace, network);
    gone_is_fine(hcn::modify_namespace(namespace, &change("Remove", &id.to_string())))?;
    gone_is_fine(hcn::delete_endpoint(id))
}

/// Removes every endpoint that was made for a namespace.
pub(super) fn leave_all(namespace: Uuid) -> Result<(), ErrorKind> {
    for endpoint in hcn::endpoints_named(&name(namespace))? {
        let id = Uuid::parse_str(&endpoint).map_err(|error| {
            ErrorKind::io("read an endpoint's id", std::io::Error::other(error))
        })?;
        gone_is_fine(hcn::delete_endpoint(id))?;
    }
    Ok(())
}

/// `HostComputeEndpoint`.
fn settings(namespace: Uuid, network: Uuid, wanted: &EndpointRequest) -> Result<String, ErrorKind> {
    let mut settings = json!({
        "Name": name(namespace),
        "HostComputeNetwork": network,
        "SchemaVersion": { "Major": 2, "Minor": 0 },
    });
    if let Some(ip) = wanted.ip {
        settings["IpConfigurations"] = json!([{ "IpAddress": ip }]);
    }
    if let Some(mac) = &wanted.mac {
        settings["MacAddress"] = json!(mac.replace(':', "-").to_uppercase());
    }
    if !wanted.ports.is_empty() {
        let ports = wanted.ports.iter().map(policy).collect::<Result<Vec<_>, _>>()?;
        settings["Policies"] = json!(ports);
    }
    Ok(settings.to_string())
}

/// A published port.
fn policy(port: &PortMapping) -> Result<Value, ErrorKind> {
    let protocol = match &*port.protocol {
        "tcp" => TCP,
        "udp" => UDP,
        other => {
            return Err(ErrorKind::Unsupported {
                what: format!("publishing a port of protocol `{other}`"),
                why: "Windows publishes ports of tcp and udp".into(),
            });
        }
    };
    let mut settings = json!({
        "Protocol": protocol,
        "InternalPort": port.container_port,
        "ExternalPort": port.host_port,
    });
    // Without one it is published on all of the host's addresses.
    if let Some(ip) = port.host_ip.filter(|ip| !ip.is_unspecified()) {
        settings["VIP"] = json!(ip);
    }
    Ok(json!({ "Type": "PortMapping", "Settings": settings }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_an_endpoint_is_in_its_document() {
        let port = |host_ip: Option<&str>, protocol: &str| PortMapping {
            host_port: 8080,
            host_ip: host_ip.map(|ip| ip.parse().unwrap()),
            container_port: 80,
            protocol: protocol.to_owned(),
        };
        let mut wanted = EndpointRequest {
            network: "nat".to_owned(),
            ip: Some("172.20.0.7".parse().unwrap()),
            mac: Some("00:15:5d:aa:bb:cc".to_owned()),
            ports: vec![
                port(None, "tcp"),
                port(Some("0.0.0.0"), "udp"),
                port(Some("10.0.0.1"), "tcp"),
            ],
            ..EndpointRequest::default()
        };
        let told = settings(Uuid::nil(), Uuid::nil(), &wanted).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["MacAddress"], "00-15-5D-AA-BB-CC");
        assert_eq!(told["IpConfigurations"][0]["IpAddress"], "172.20.0.7");
        let policies = told["Policies"].as_array().unwrap();
        let of = |place: usize| &policies[place]["Settings"];
        assert_eq!(*of(0), json!({ "Protocol": 6, "InternalPort": 80, "ExternalPort": 8080 }));
        assert_eq!((&of(1)["Protocol"], &of(1)["VIP"]), (&json!(17), &Value::Null));
        assert_eq!(of(2)["VIP"], "10.0.0.1");

        wanted.ports = vec![port(None, "sctp")];
        let refused = settings(Uuid::nil(), Uuid::nil(), &wanted).unwrap_err();
        assert!(matches!(refused, ErrorKind::Unsupported { .. }), "{refused:?}");
    }
}
