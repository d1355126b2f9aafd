//! The order of things, and what is refused.

use super::*;

const ID: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn with_endpoint() -> Networks {
    let mut networks = Networks::default();
    networks.create(Kind::Network, ID, r#"{"Name":"nat","Type":"NAT"}"#, None).expect("a network");
    networks.create(Kind::Endpoint, ID, r#"{"Name":"eth0"}"#, Some(ID)).expect("an endpoint");
    networks.create(Kind::Namespace, ID, "{}", None).expect("a namespace");
    networks
}

fn change(request: &str, id: Uuid) -> String {
    json!({ "ResourceType": "Endpoint", "RequestType": request, "Settings": { "EndpointId": id } })
        .to_string()
}

#[test]
fn an_endpoint_is_in_one_namespace_until_it_leaves_it() {
    let mut networks = with_endpoint();
    networks.create(Kind::Namespace, OTHER, "{}", None).expect("another");
    networks.modify(Kind::Namespace, ID, &change("Add", ID)).expect("in");
    let twice = networks.modify(Kind::Namespace, OTHER, &change("Add", ID)).expect_err("refused");
    assert_eq!(twice.0, codes::ENDPOINT_ATTACHED);
    let inside = networks.query(Kind::Namespace, ID, "").expect("query");
    assert_eq!(inside["Resources"][0]["Data"]["ID"], json!(ID));
    networks.modify(Kind::Namespace, ID, &change("Remove", ID)).expect("out");
    let gone = networks.modify(Kind::Namespace, ID, &change("Remove", ID)).expect_err("refused");
    assert_eq!(gone.0, codes::ENDPOINT_NOT_ATTACHED);
}

#[test]
fn a_field_that_is_not_in_the_schema_is_refused_by_name() {
    let mut networks = Networks::default();
    let settings = r#"{"SchemaVersion":{"Major":2,"Minor":0},"Colour":"blue"}"#;
    let Refused(result, told) =
        networks.create(Kind::Namespace, ID, settings, None).expect_err("refused");
    assert_eq!(result, codes::NETWORK_INVALID_JSON);
    assert!(told.contains("Unknown field `Colour`"), "{told}");
}

#[test]
fn what_is_enumerated_fits_the_filter() {
    let networks = with_endpoint();
    let query = |name: &str| {
        json!({ "SchemaVersion": { "Major": 2, "Minor": 0 }, "Filter": json!({ "Name": name }).to_string() })
            .to_string()
    };
    let found = networks.enumerate(Kind::Endpoint, &query("ETH0")).expect("enumerate");
    assert_eq!(found, json!([ID]));
    assert_eq!(networks.enumerate(Kind::Endpoint, &query("eth1")).expect("enumerate"), json!([]));
}

#[test]
fn the_older_interface_sees_the_same_things() {
    let mut networks = with_endpoint();
    networks.modify(Kind::Namespace, ID, &change("Add", ID)).expect("in");
    let path = format!("/namespaces/{ID}");
    let shown = networks.call("GET", &path, "");
    assert_eq!(shown["Output"]["ResourceList"][0]["Data"]["Id"], json!(ID));
    let body = json!({ "Type": "Endpoint", "Data": { "Id": ID } }).to_string();
    let left = networks.call("POST", &format!("{path}/removeresource"), &body);
    assert_eq!(left["Success"], json!(true));
    assert_eq!(networks.call("DELETE", &path, "")["Success"], json!(true));
    assert_eq!(networks.call("DELETE", &path, "")["Error"], json!("Element not found."));
}
