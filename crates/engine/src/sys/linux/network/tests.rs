//! Namespaces and plugins, for real; they need root and the plugins.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::*;
use crate::network::PortMapping;

/// Networks below a temporary directory, and a name that no other test has.
struct Fixture {
    _dir: tempfile::TempDir,
    networks: Networks,
    name: String,
}

fn fixture(name: &str) -> Option<Fixture> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: making network namespaces needs root");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let networks = Networks::new(&dir.path().join("root"), &dir.path().join("state"));
    Some(Fixture { _dir: dir, networks, name: format!("{name}-{}", std::process::id()) })
}

fn request(name: &str, ports: Vec<PortMapping>) -> EndpointRequest {
    EndpointRequest {
        network: "nat".into(),
        container_id: name.into(),
        ports,
        ..EndpointRequest::default()
    }
}

/// Runs `work` on a thread inside the namespace.
fn inside<T: Send + 'static>(pin: &Path, work: impl FnOnce() -> T + Send + 'static) -> T {
    let file = std::fs::File::open(pin).unwrap();
    std::thread::spawn(move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        work()
    })
    .join()
    .unwrap()
}

#[tokio::test]
async fn a_new_namespace_has_loopback_and_nothing_else() {
    let Some(Fixture { networks, name, .. }) = &fixture("lo") else { return };
    networks.create_namespace(name).await.unwrap();
    let seen = inside(&networks.pin(name).unwrap(), || {
        // The /proc of this process shows the thread's own namespace.
        let devices = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        devices
    });
    assert_eq!(seen.lines().skip(2).count(), 1, "{seen}");
    assert!(networks.create_namespace(name).await.is_err(), "the name was taken twice");
    assert_eq!(networks.list_namespaces().await.unwrap(), std::slice::from_ref(name));
    networks.delete_namespace(name).await.unwrap();
    networks.delete_namespace(name).await.unwrap();
    assert!(networks.list_namespaces().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_published_port_leads_into_the_namespace_and_is_given_back() {
    let Some(Fixture { networks, name, .. }) = &fixture("nat") else { return };
    let host_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = PortMapping { host_port, host_ip: None, container_port: 80, protocol: "tcp".into() };
    networks.create_namespace(name).await.unwrap();
    let endpoint = networks.attach(name, &request(name, vec![port])).await.unwrap();
    assert_eq!(endpoint.interface, "eth0");
    assert_eq!(endpoint.addresses.len(), 1);
    assert!(networks.attach(name, &request(name, vec![])).await.is_err(), "attached twice");
    let other = format!("{name}-other");
    networks.create_namespace(&other).await.unwrap();
    let again = networks.attach(&other, &request(&other, endpoint.ports.clone())).await;
    let cause = again.unwrap_err().kind.to_string();
    assert!(cause.contains(&host_port.to_string()), "{cause}");
    networks.delete_namespace(&other).await.unwrap();

    let listener =
        inside(&networks.pin(name).unwrap(), || TcpListener::bind("0.0.0.0:80").unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"from inside").unwrap();
    });
    let mut text = String::new();
    let to = ([127, 0, 0, 1], host_port).into();
    let mut client = TcpStream::connect_timeout(&to, Duration::from_secs(5)).unwrap();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "from inside");
    server.join().unwrap();

    networks.delete_namespace(name).await.unwrap();
    let refused = TcpStream::connect_timeout(&to, Duration::from_secs(1));
    assert!(refused.is_err(), "the port is still published");
}

#[tokio::test]
async fn a_network_that_is_not_there_attaches_nothing() {
    let Some(Fixture { networks, name, .. }) = &fixture("none") else { return };
    networks.create_namespace(name).await.unwrap();
    let wanted = EndpointRequest { network: "nowhere".into(), ..request(name, vec![]) };
    assert!(networks.attach(name, &wanted).await.is_err());
    assert!(attachment::list(&networks.pin(name).unwrap()).unwrap().is_empty());
    networks.delete_namespace(name).await.unwrap();
}

#[tokio::test]
async fn a_name_that_could_leave_its_folder_is_refused() {
    let Some(Fixture { networks, .. }) = &fixture("bad") else { return };
    for bad in ["", "..", "a/b", "x.json", "x.d"] {
        assert!(networks.create_namespace(bad).await.is_err(), "{bad:?} was taken");
    }
}

#[tokio::test]
async fn a_callers_servers_stand_before_and_without_the_networks_own() {
    let Some(Fixture { networks, name, .. }) = &fixture("dns") else { return };
    networks.create_namespace(name).await.unwrap();
    let wanted = Names { servers: vec!["192.0.2.7".parse().unwrap()], ..Names::default() };
    networks.set_names(name, &wanted).await.unwrap();
    networks.attach(name, &request(name, vec![])).await.unwrap();
    let kept = resolver::read(&networks.pin(name).unwrap()).unwrap();
    assert_eq!(kept.servers, wanted.servers);
    networks.delete_namespace(name).await.unwrap();
}

#[tokio::test]
async fn a_defined_network_gets_a_subnet_of_its_own_and_goes_when_nobody_is_on_it() {
    let Some(Fixture { networks, name, .. }) = &fixture("own") else { return };
    let wanted = Definition { name: name.clone(), ..Definition::default() };
    let made = networks.define(&wanted).await.unwrap();
    assert!(networks.define(&wanted).await.is_err(), "the name was taken twice");
    let names: Vec<_> =
        networks.definitions().await.unwrap().into_iter().map(|network| network.name).collect();
    assert_eq!(names, ["nat".to_owned(), name.clone()]);

    networks.create_namespace(name).await.unwrap();
    let on_it = EndpointRequest { network: name.clone(), ..request(name, vec![]) };
    let endpoint = networks.attach(name, &on_it).await.unwrap();
    assert_eq!(endpoint.gateway.unwrap().to_string(), made.gateway);
    assert!(networks.undefine(name).await.is_err(), "removed under a container");
    assert_eq!(networks.members(name).await.unwrap(), [(name.clone(), endpoint)]);

    networks.delete_namespace(name).await.unwrap();
    networks.undefine(name).await.unwrap();
    assert!(networks.attach(name, &on_it).await.is_err());
}

#[tokio::test]
async fn a_subnet_in_use_and_a_predefined_name_are_refused() {
    let Some(Fixture { networks, name, .. }) = &fixture("clash") else { return };
    let nat = Definition { subnet: "10.90.7.0/24".into(), name: name.clone(), ..<_>::default() };
    assert!(networks.define(&nat).await.is_err(), "nat's own subnet was given again");
    assert!(networks.define(&Definition { name: "nat".into(), ..<_>::default() }).await.is_err());
    assert!(networks.undefine("nat").await.is_err());
}

#[tokio::test]
async fn a_later_network_keeps_its_routes_and_the_first_ones_way_out() {
    let Some(Fixture { networks, name, .. }) = &fixture("later") else { return };
    let first = Definition { name: format!("{name}-a"), ..Definition::default() };
    let second = Definition { name: format!("{name}-b"), ..Definition::default() };
    networks.define(&first).await.unwrap();
    networks.define(&second).await.unwrap();
    let file = networks.definitions[0].join(format!("{}.conflist", second.name));
    let text = std::fs::read_to_string(&file).unwrap();
    let mut list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let routes = list["plugins"][0]["ipam"]["routes"].as_array_mut().unwrap();
    routes.push(serde_json::json!({ "dst": "192.0.2.0/24" }));
    std::fs::write(&file, list.to_string()).unwrap();

    networks.create_namespace(name).await.unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port =
        PortMapping { host_port: port, host_ip: None, container_port: 80, protocol: "tcp".into() };
    for network in [&first.name, &second.name] {
        // What it publishes by one network, it may publish by another.
        let ports = vec![port.clone()];
        let on_it = EndpointRequest { network: network.clone(), ..request(name, ports) };
        networks.attach(name, &on_it).await.unwrap();
    }
    let routes = inside(&networks.pin(name).unwrap(), || {
        std::fs::read_to_string("/proc/thread-self/net/route").unwrap()
    });
    // Interface, destination, gateway and so on; numbers as they lie in memory.
    let routes: Vec<Vec<&str>> =
        routes.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let by = |to: &str| {
        let found = routes.iter().filter(|route| route[1] == to).map(|route| route[0]);
        found.collect::<Vec<_>>()
    };
    assert_eq!(by("00000000"), ["eth0"], "{routes:?}");
    assert_eq!(by("000200C0"), ["eth1"], "{routes:?}");
    networks.detach(name, &first.name).await.unwrap();
    networks.reroute(name).await.unwrap();
    let routes = inside(&networks.pin(name).unwrap(), || {
        std::fs::read_to_string("/proc/thread-self/net/route").unwrap()
    });
    assert!(routes.lines().any(|line| line.starts_with("eth1\t00000000")), "{routes}");
    networks.delete_namespace(name).await.unwrap();
    networks.undefine(&first.name).await.unwrap();
    networks.undefine(&second.name).await.unwrap();
}

#[tokio::test]
async fn a_namespace_that_publishes_nothing_waits_for_nobodys_ports() {
    let Some(Fixture { networks, name, .. }) = &fixture("quiet") else { return };
    networks.create_namespace(name).await.unwrap();
    let _held = ports::lock(&networks.pins).unwrap();
    let wanted = request(name, vec![]);
    let attached = networks.attach(name, &wanted);
    tokio::time::timeout(Duration::from_mins(1), attached).await.unwrap().unwrap();
    networks.delete_namespace(name).await.unwrap();
}

/// How many rules of address translation name a subnet.
fn rules_of(subnet: &str) -> usize {
    let output = std::process::Command::new("iptables-save").args(["-t", "nat"]).output().unwrap();
    let rules = String::from_utf8(output.stdout).unwrap();
    rules.lines().filter(|line| line.contains(subnet)).count()
}

#[tokio::test]
async fn what_leaves_a_network_has_the_hosts_address_by_one_rule_for_all() {
    let Some(Fixture { networks, name, .. }) = &fixture("masq") else { return };
    let two = ["a", "b"].map(|part| format!("{name}-{part}"));
    let mut made = Vec::new();
    for one in &two {
        let wanted = Definition { name: one.clone(), ..Definition::default() };
        made.push(networks.define(&wanted).await.unwrap());
        networks.create_namespace(one).await.unwrap();
    }
    let another = format!("{name}-c");
    networks.create_namespace(&another).await.unwrap();
    let on = |network: &str, namespace: &str| EndpointRequest {
        network: network.to_owned(),
        ..request(namespace, vec![])
    };
    networks.attach(&two[0], &on(&two[0], &two[0])).await.unwrap();
    networks.attach(&another, &on(&two[0], &another)).await.unwrap();
    assert_eq!(rules_of(&made[0].subnet), 1);

    let other = networks.attach(&two[1], &on(&two[1], &two[1])).await.unwrap();
    let address = std::net::SocketAddr::new(other.addresses[0].0, 80);
    let listener =
        inside(&networks.pin(&two[1]).unwrap(), move || TcpListener::bind(address).unwrap());
    let client = inside(&networks.pin(&two[0]).unwrap(), move || {
        TcpStream::connect_timeout(&address, Duration::from_secs(20)).unwrap()
    });
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(peer.ip().to_string(), made[1].gateway, "the subnet itself is seen outside");
    drop(client);

    for namespace in [&two[0], &two[1], &another] {
        networks.delete_namespace(namespace).await.unwrap();
    }
    for (one, network) in two.iter().zip(&made) {
        networks.undefine(one).await.unwrap();
        assert_eq!(rules_of(&network.subnet), 0);
    }
}
