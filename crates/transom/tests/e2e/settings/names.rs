//! Networks of one's own: containers know each other by name there, and only there.

use crate::support::command::Output;
use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::programs;

/// A network that goes with its test.
struct Network<'h> {
    host: &'h Host,
    name: String,
}

impl<'h> Network<'h> {
    fn create(host: &'h Host, name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        host.transom(&["network", "create", "--label", "test", &name]).succeed();
        Self { host, name }
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        self.host.transom(&["network", "rm", &self.name]).output();
    }
}

fn network(host: &Host, line: &[&str]) {
    host.transom(&["network"]).args(line).succeed();
}

fn ping(from: &Container<'_>, name: &str) -> Output {
    from.exec(&["ping", "-n", "1", name]).output()
}

#[test]
fn a_container_is_known_by_name_alias_and_id_to_those_on_its_network() {
    let host = host::shared();
    let (front, back) = (Network::create(&host, "front"), Network::create(&host, "back"));
    let name = format!("store-{}", std::process::id());
    let flags = ["-i", "--name", &name, "--network", &back.name, "--network-alias", "db"];
    let store = Container::run(&host, &flags, &[BASE, "cmd"]);
    let web = Container::run(&host, &["-i", "--network", &front.name], &[BASE, "cmd"]);
    let unknown = |output: &Output| output.text().contains("could not find host");
    assert!(unknown(&ping(&web, "db")), "another network's names are known");

    network(&host, &["connect", "--alias", "shop", &back.name, web.id()]);
    for known in ["db", "DB", &name, &store.id()[..12], &format!("db.{}", back.name)] {
        let output = ping(&web, known);
        assert!(output.text().contains("Reply from"), "{known}: {output:?}");
    }
    assert!(ping(&store, "shop").text().contains("Reply from"), "an alias of a later connection");
    let networks = web.inspect()["NetworkSettings"]["Networks"].take();
    assert_eq!(networks.as_object().map(serde_json::Map::len), Some(2), "{networks}");

    let refused = host.transom(&["network", "rm", &back.name]).fail();
    assert!(refused.errors().contains("in use"), "{refused:?}");
    network(&host, &["disconnect", &back.name, web.id()]);
    assert!(unknown(&ping(&web, "db")), "it is disconnected");
    network(&host, &["connect", &back.name, web.id()]);
    store.remove();
    assert!(unknown(&ping(&web, "db")), "it is gone");
}

#[test]
fn a_program_with_its_own_resolver_gets_the_same_answers() {
    let image = programs::image();
    let host = host::shared();
    let network = Network::create(&host, "asked");
    let flags = ["--interactive", "--network", &network.name, "--network-alias", "here"];
    let container = Container::run(&host, &flags, &[image, "cmd"]);
    let script = "const dns = require('dns').promises; (async () => { \
                  const [address] = await dns.resolve4('here'); \
                  console.log(address, (await dns.reverse(address))[0]); \
                  console.log(await dns.resolve6('here').catch(e => e.code)) })()";
    let lines = container.exec(&["node", "-e", script]).succeed().lines();
    let networks = container.inspect()["NetworkSettings"]["Networks"].take();
    let address = networks[&network.name]["IPAddress"].as_str().unwrap_or_default();
    assert!(lines[0].starts_with(address) && lines[0].ends_with(&network.name), "{lines:?}");
    assert_eq!(lines[1], "ENODATA", "{lines:?}");
}

#[test]
fn networks_are_listed_inspected_and_pruned() {
    let host = host::alone();
    let network = Network::create(&host, "listed");
    let list = |filter: &str| {
        host.transom(&["network", "ls", "--filter", filter, "--format", "{{.Name}}"])
            .succeed()
            .lines()
    };
    assert_eq!(list("label=test"), [network.name.as_str()]);
    assert_eq!(list("type=builtin"), ["nat", "none"]);
    let output = host.transom(&["network", "inspect", &network.name]).succeed().json();
    assert!(output[0]["IPAM"]["Config"][0]["Subnet"].is_string(), "{output}");
    host.transom(&["network", "create", &network.name]).fail();
    host.transom(&["network", "rm", "nat"]).fail();
    host.transom(&["network", "prune", "--force"]).succeed();
    assert!(list("label=test").is_empty());
}
