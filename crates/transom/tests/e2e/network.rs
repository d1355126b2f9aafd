//! Networks, seen with Node at both ends.

use crate::support::container::Container;
use crate::support::{host, http, programs};

const SERVER: &str = "require('http').createServer((q, a) => a.end('served'))\
                      .listen(80, () => console.log('listening'))";

/// Prints what it gets, or why it gets nothing.
fn client(address: &str) -> String {
    format!(
        "require('http').get('http://{address}/', a => a.on('data', d => console.log('' + d)))\
         .on('error', e => console.log('failed: ' + e.code)).setTimeout(4000, function () {{ \
         console.log('failed: silence'); this.destroy(); process.exit() }})"
    )
}

#[test]
fn two_containers_reach_each_other_by_address() {
    let image = programs::image();
    let host = host::shared();
    let server = Container::run(&host, &[], &[image, "node", "-e", SERVER]);
    server.wait_for_log("listening");
    let networks = server.inspect()["NetworkSettings"].take();
    let address = networks["Networks"]["nat"]["IPAddress"].as_str().unwrap_or_default().to_owned();
    assert!(!address.is_empty(), "{networks}");
    let flags = ["run", "--rm", image, "node", "-e"];
    let output = host.transom(&flags).arg(client(&address)).succeed();
    assert_eq!(output.text(), "served");
    assert_eq!(http::get(&format!("{address}:80")).as_deref(), Some("served"), "from the host");
}

#[test]
fn without_a_network_nothing_is_reached() {
    let image = programs::image();
    let host = host::shared();
    let server = Container::run(&host, &[], &[image, "node", "-e", SERVER]);
    server.wait_for_log("listening");
    let networks = server.inspect()["NetworkSettings"].take();
    let address = networks["Networks"]["nat"]["IPAddress"].as_str().unwrap_or_default().to_owned();
    let flags = ["run", "--rm", "--network", "none", image, "node", "-e"];
    let output = host.transom(&flags).arg(client(&address)).succeed();
    assert!(output.text().starts_with("failed: "), "{output:?}");
}

#[test]
fn a_containers_network_can_be_shared() {
    let image = programs::image();
    let host = host::shared();
    let server = Container::run(&host, &[], &[image, "node", "-e", SERVER]);
    server.wait_for_log("listening");
    let network = format!("container:{}", server.id());
    let flags = ["run", "--rm", "--network", &network, image, "node", "-e"];
    let output = host.transom(&flags).arg(client("127.0.0.1")).succeed();
    assert_eq!(output.text(), "served");
}

#[test]
fn an_unknown_network_is_named() {
    let host = host::shared();
    let line = ["run", "--rm", "--network", "nowhere", "transom/base", "cmd", "/c", "ver"];
    let output = host.transom(&line).fail();
    assert!(output.errors().contains("nowhere"), "{output:?}");
}

/// Its shim is begun beside the network, and may be anywhere when that fails.
#[test]
fn a_start_that_finds_no_network_leaves_nothing_of_its_shim() {
    let host = host::shared();
    let container = Container::create(&host, &["--network=nowhere"], &["transom/base", "cmd"]);
    for _ in 0..10 {
        container.transom("start", &[]).fail();
    }
    for folder in ["shims", "bundles", "ledgers", "silos", "netns"] {
        let left = std::fs::read_dir(host.state().join(folder)).into_iter().flatten().flatten();
        let mut left = left.map(|entry| entry.file_name().to_string_lossy().into_owned());
        assert!(!left.any(|name| name.contains(container.id())), "{folder}");
    }
}

#[test]
fn a_port_is_published_once() {
    let image = programs::image();
    let host = host::shared();
    let publish = format!("--publish=127.0.0.1:{}:80", http::free_port());
    let first = Container::run(&host, &[&publish], &[image, "node", "-e", SERVER]);
    first.wait_for_log("listening");
    let line = ["run", "--rm", &publish, image, "node", "-e", "0"];
    let output = host.transom(&line).fail();
    let port = publish.split(':').nth(1).unwrap();
    assert!(output.errors().contains(port), "{output:?}");
}
