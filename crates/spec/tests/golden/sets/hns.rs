//! HNS requests, against an HNS that answers as the README says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use spec::hns::{
    self as networking, Driver, EndpointAnswer, EndpointRequest, ExistingEndpoint, HnsError,
    IpamData, NatBinding, NetworkOptions, NetworkRequest, Plan, SubnetAnswer,
};

use crate::case::Case;
use crate::compare::{Failure, Outcome};

const NETWORK: &str = "HNS-NET-ID";
const ENDPOINT: &str = "HNS-EP-ID";
const GATEWAY: &str = "172.30.0.1";
const SUBNET: &str = "172.30.0.0/20";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 9);
const MAC: &str = "00-15-5D-00-00-01";

pub(crate) fn ports(case: &Case) -> Outcome {
    match networking::nat_policies(&bindings(&case.input["bindings"])) {
        Ok(policies) => Outcome::ok(json!({ "policies": policies })),
        Err(error) => Outcome::failed(&error, 500),
    }
}

/// Requests that were sent before an error count.
pub(crate) fn hns(case: &Case) -> Outcome {
    let mut output = json!({ "hnsRequests": [] });
    let done = play(&case.input, &mut output);
    let error = done.err().map(|error| Failure { message: error.to_string(), status: None });
    Outcome { output: Some(output), error }
}

fn play(input: &Value, output: &mut Value) -> Result<(), HnsError> {
    let driver = Driver::parse(input["driver"].as_str().unwrap_or_default()).expect("a driver");
    let request = network_request(driver, input);
    let network = match networking::network(&request)? {
        Plan::Nothing => return Ok(()),
        Plan::Adopt { hns_id } => {
            for stale in networking::stale_endpoints(&hns_id, &existing()) {
                send(output, "DELETE", "endpoints", stale, &Value::Null);
            }
            hns_id
        }
        Plan::Create(document) => {
            let answer = answered(&document.subnets);
            send(output, "POST", "networks", "", &json!(document));
            output["updatedIpam"] = ipam(&networking::ipam_after(&answer));
            NETWORK.to_owned()
        }
    };
    if input["endpoint"].is_null() {
        return Ok(());
    }
    let options = NetworkOptions::parse(&request.options)?;
    let asked = endpoint_request(&input["endpoint"]);
    let document = networking::endpoint(driver, &options, &network, &asked)?;
    send(output, "POST", "endpoints", "", &json!(document));
    endpoint_answer(driver, &input["endpoint"], output);
    Ok(())
}

fn network_request(driver: Driver, input: &Value) -> NetworkRequest {
    let options: BTreeMap<String, String> =
        serde_json::from_value(input["options"].clone()).unwrap_or_default();
    NetworkRequest {
        driver,
        id: input["id"].as_str().unwrap_or_default().to_owned(),
        options,
        ipv4: pools(&input["ipv4"]),
        ipv6: pools(&input["ipv6"]),
    }
}

fn pools(list: &Value) -> Vec<IpamData> {
    let pool = |one: &Value| IpamData {
        pool: one["pool"].as_str().unwrap_or_default().to_owned(),
        gateway: one["gateway"].as_str().map(str::to_owned),
    };
    list.as_array().into_iter().flatten().map(pool).collect()
}

fn existing() -> [ExistingEndpoint; 2] {
    [("STALE-1", "EXISTING-HNS-ID"), ("OTHER", "OTHER-HNS-ID")].map(|(id, network)| {
        ExistingEndpoint { id: id.to_owned(), virtual_network: network.to_owned() }
    })
}

fn send(output: &mut Value, method: &str, object: &str, id: &str, body: &Value) {
    let request = json!({ "method": method, "object": object, "id": id, "body": body });
    output["hnsRequests"].as_array_mut().expect("a list").push(request);
}

/// The subnets that were sent with a gateway for each, or one of HNS's own.
fn answered(sent: &[networking::HnsSubnet]) -> Vec<SubnetAnswer> {
    let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
    if sent.is_empty() {
        return vec![SubnetAnswer {
            address_prefix: SUBNET.to_owned(),
            gateway_address: GATEWAY.to_owned(),
        }];
    }
    let answer = |subnet: &networking::HnsSubnet| SubnetAnswer {
        address_prefix: subnet.address_prefix.clone(),
        gateway_address: or(&subnet.gateway_address, GATEWAY),
    };
    sent.iter().map(answer).collect()
}

fn ipam(pools: &[IpamData]) -> Value {
    let shown = pools.iter().map(|one| json!({ "pool": one.pool, "gateway": one.gateway }));
    Value::Array(shown.collect())
}

fn endpoint_request(input: &Value) -> EndpointRequest {
    let address = input["ipAddress"].as_str().and_then(|text| text.split('/').next());
    EndpointRequest {
        mac_address: input["macAddress"].as_str().map(str::to_owned),
        ip_address: address.and_then(|text| text.parse().ok()),
        dns_servers: crate::host::texts(&input["dnsServers"]),
        disable_icc: input["disableICC"].as_bool().unwrap_or_default(),
        disable_dns: input["disableDNS"].as_bool().unwrap_or_default(),
        max_egress: input["maxEgress"].as_u64().unwrap_or_default(),
        ports: bindings(&input["ports"]),
    }
}

fn bindings(list: &Value) -> Vec<NatBinding> {
    let port = |value: &Value| u16::try_from(value.as_u64().unwrap_or_default()).expect("a port");
    let binding = |one: &Value| NatBinding {
        protocol: one["proto"].as_str().unwrap_or_default().to_owned(),
        port: port(&one["port"]),
        host_port: port(&one["hostPort"]),
        host_port_end: port(&one["hostPortEnd"]),
        host_ip: one["hostIP"].as_str().and_then(|text| text.parse::<IpAddr>().ok()),
    };
    list.as_array().into_iter().flatten().map(binding).collect()
}

/// What was chosen stays; HNS gives the rest.
fn endpoint_answer(driver: Driver, asked: &Value, output: &mut Value) {
    let answer = EndpointAnswer {
        id: ENDPOINT.to_owned(),
        mac_address: MAC.to_owned(),
        ip_address: ADDRESS,
    };
    let chosen = |name: &str| asked[name].as_str().map(str::to_owned);
    output["mac"] = json!(chosen("macAddress").unwrap_or_else(|| answer.mac()));
    output["address"] = json!(chosen("ipAddress").unwrap_or_else(|| answer.address()));
    output["driverInfo"] = json!({ "hnsid": answer.id });
    if driver == Driver::Nat {
        output["driverInfo"]["AllowUnqualifiedDNSQuery"] = json!(true);
    }
}
