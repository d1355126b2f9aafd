//! Names outside: asked of the servers that `--dns` names, from this host.

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::name_server::{ANSWER, NameServer, free_address};
use crate::support::programs;

/// Prints the addresses of each name, or why there are none.
const RESOLVE: &str = "(async () => { for (const name of process.argv.slice(1)) \
     console.log(await require('dns').promises.resolve4(name).then(all => all[0], e => e.code)) })()";

#[test]
fn names_that_no_network_has_are_asked_of_the_servers_of_the_user() {
    let image = programs::image();
    let (host, server) = (host::shared(), NameServer::start());
    let (silent, address) = (free_address().to_string(), server.address());
    let flags =
        ["--interactive", "--dns", &silent, "--dns", &address, "--dns-search", "inner.example"];
    let container = Container::run(&host, &flags, &[image, "cmd"]);
    // With Node's own resolver, by datagram and, where the answer is too long for one, by stream.
    let names = ["far.example", "long.example"];
    let lines = container.exec(&[&["node", "-e", RESOLVE], &names[..]].concat()).succeed().lines();
    assert_eq!(lines, [ANSWER.to_string(), ANSWER.to_string()]);
    let asked = server.asked();
    assert!(asked.iter().any(|name| name == "long.example/tcp"), "{asked:?}");
    // With Windows' own resolver, and the suffix that is to be tried.
    let output = container.exec(&["ping", "-n", "1", "-w", "10", "near"]).output();
    assert!(output.text().contains(&ANSWER.to_string()), "{output:?}");
    let asked = server.asked();
    assert!(asked.iter().any(|name| name == "near.inner.example"), "{asked:?}");
}

#[test]
fn names_of_the_networks_own_are_never_asked_for_outside() {
    let image = programs::image();
    let (host, server) = (host::shared(), NameServer::start());
    let name = format!("inside-{}", std::process::id());
    host.transom(&["network", "create", "--internal", &name]).succeed();
    let flags = ["run", "--rm", "--dns", &server.address(), "--network", &name];
    let line = ["--network-alias", "here", image, "node", "-e", RESOLVE, "here", "far.example"];
    let output = host.transom(&[&flags[..], &line].concat()).output();
    host.transom(&["network", "rm", &name]).succeed();
    let lines = output.lines();
    assert_eq!(lines.len(), 2, "{output:?}");
    assert!(lines[0].contains('.') && lines[1] == "ENOTFOUND", "{output:?}");
    assert_eq!(server.asked(), [""; 0], "an internal network leads nowhere");
}

#[test]
fn without_a_server_that_answers_a_name_is_not_found() {
    let image = programs::image();
    let host = host::shared();
    let silent = free_address().to_string();
    let flags = ["run", "--rm", "--dns", &silent, image, "node", "-e", RESOLVE, "far.example"];
    let output = host.transom(&flags).succeed();
    assert!(output.text().starts_with('E'), "{output:?}");
    let output = host.transom(&["run", "--rm", "--dns", "x", BASE, "cmd"]).fail();
    assert!(output.errors().contains("--dns"), "{output:?}");
}
