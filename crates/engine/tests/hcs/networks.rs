//! Network namespaces and endpoints, as a pod has them.

use engine::network::{EndpointRequest, PortMapping};
use engine::{ErrorKind, Network as _, Networks};
use serde_json::json;

use crate::faults::Faults;

fn networks() -> Networks {
    let folder = std::env::temp_dir();
    Networks::new(&folder, &folder)
}

/// An endpoint that a network plugin made.
fn endpoint() -> EndpointRequest {
    let mut probe = std::process::Command::new(r"C:\windows\system32\hcs-probe.exe");
    let made = probe.arg("endpoint").output().expect("the probe runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let id = String::from_utf8(made.stdout).expect("an id");
    EndpointRequest { network: id.trim().to_owned(), ..EndpointRequest::default() }
}

fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_in_one_namespace_and_free_again_after_it() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let (networks, endpoint) = (networks(), endpoint());
    let (one, other) = (unique("one"), unique("other"));
    let before = networks.list_namespaces().await.expect("list").len();
    networks.create_namespace(&one).await.expect("create");
    networks.create_namespace(&other).await.expect("create");
    assert_eq!(networks.list_namespaces().await.expect("list").len(), before + 2);
    let refused = networks.create_namespace(&one).await.expect_err("its name is taken");
    assert!(matches!(refused.kind, ErrorKind::AlreadyExists), "{refused:?}");

    let attached = networks.attach(&one, &endpoint).await.expect("attach");
    assert_eq!(attached.network, endpoint.network);
    assert_eq!(attached.mac, "00:15:5d:00:00:01");
    assert_eq!(attached.addresses, [("10.0.0.4".parse().expect("an address"), 24)]);
    let refused = networks.attach(&other, &endpoint).await.expect_err("it is elsewhere");
    assert!(matches!(refused.kind, ErrorKind::AlreadyExists), "{refused:?}");
    networks.detach(&other, &endpoint.network).await.expect("it is not there: a success");
    networks.delete_namespace(&one).await.expect("delete");
    networks.delete_namespace(&one).await.expect("one that is gone is a success");
    networks.attach(&other, &endpoint).await.expect("it is free again");
    networks.detach(&other, &endpoint.network).await.expect("detach");
    networks.detach(&other, &endpoint.network).await.expect("one that is gone is a success");
    networks.delete_namespace(&other).await.expect("delete");
    assert_eq!(networks.list_namespaces().await.expect("list").len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let (networks, name) = (networks(), unique("lonely"));
    networks.create_namespace(&name).await.expect("create");
    let nobody = EndpointRequest {
        network: "4f27f3ce-5a4c-4f1c-9a4e-3c1a2b0d5e6f".to_owned(),
        ..EndpointRequest::default()
    };
    let refused = networks.attach(&name, &nobody).await.expect_err("no such endpoint");
    assert!(matches!(refused.kind, ErrorKind::NotFound("endpoint")), "{refused:?}");
    networks.delete_namespace(&name).await.expect("delete");
    let refused = networks.attach(&name, &nobody).await.expect_err("no such namespace");
    assert!(matches!(refused.kind, ErrorKind::NotFound(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_windows_says_and_leaves_nothing() {
    let (networks, name) = (networks(), unique("refused"));
    let faults = Faults::order(json!([{
        "Call": "HcnCreateNamespace", "Error": "0x80070005", "When": "Submit", "Times": 1,
    }]))
    .await;
    let refused = networks.create_namespace(&name).await.expect_err("ordered");
    assert!(
        matches!(&refused.kind, ErrorKind::HostLacks { mend, .. } if mend.contains("administrator")),
        "{refused:?}"
    );
    networks.create_namespace(&name).await.expect("nothing was left of it");
    networks.delete_namespace(&name).await.expect("delete");
    drop(faults);
}

fn on(network: &str) -> EndpointRequest {
    EndpointRequest { network: network.to_owned(), ..EndpointRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_joined_by_its_name_and_left_with_the_namespace() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let (networks, one, other) = (networks(), unique("joins"), unique("joins-too"));
    networks.create_namespace(&one).await.expect("create");
    networks.create_namespace(&other).await.expect("create");
    let published = PortMapping {
        host_port: 18_080,
        host_ip: None,
        container_port: 80,
        protocol: "tcp".to_owned(),
    };
    let wanted = EndpointRequest { ports: vec![published.clone()], ..on("nat") };
    let joined = networks.attach(&one, &wanted).await.expect("the default network is made");
    assert_eq!((&*joined.network, &joined.ports), ("nat", &vec![published]));
    let (address, gateway) = (joined.addresses[0], joined.gateway);
    assert!(gateway.is_some() && !joined.mac.is_empty(), "{joined:?}");
    let all = networks.definitions().await.expect("list");
    let nat = all.iter().find(|network| network.name == "nat").expect("it is there");
    assert_eq!(
        (&*nat.driver, Some(&nat.gateway)),
        ("nat", gateway.map(|ip| ip.to_string()).as_ref())
    );

    let refused = networks.attach(&other, &wanted).await.expect_err("the port is published");
    assert!(format!("{refused:?}").contains("published already"), "{refused:?}");
    let second = networks.attach(&other, &on("NAT")).await.expect("names have no case");
    assert_ne!(second.addresses[0], address);
    networks.detach(&other, "nat").await.expect("detach");
    networks.detach(&other, "nat").await.expect("one that is gone is a success");

    networks.delete_namespace(&one).await.expect("delete");
    networks.attach(&other, &wanted).await.expect("its port is free, its endpoint is gone");
    networks.delete_namespace(&other).await.expect("delete");
    let refused = networks.attach(&other, &on("nat")).await.expect_err("no such namespace");
    assert!(matches!(refused.kind, ErrorKind::NotFound(_)), "{refused:?}");
    networks.create_namespace(&other).await.expect("create");
    networks.attach(&other, &wanted).await.expect("nothing was left of what failed");
    let refused = networks.attach(&other, &on("nobody's")).await.expect_err("no such network");
    assert!(matches!(refused.kind, ErrorKind::NotFound("network")), "{refused:?}");
    networks.delete_namespace(&other).await.expect("delete");
}
