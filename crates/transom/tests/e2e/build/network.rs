//! What a step can reach, and by which names.

use super::{Context, build, spoke};
use crate::support::host;
use crate::support::layers;
use crate::support::probe;

/// `HostnameLookup`.
#[test]
fn a_step_knows_its_own_name_and_the_hosts_name_servers_unless_it_has_no_network() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
COPY probe.exe C:\p\
RUN ping -n 1 -w 10 %COMPUTERNAME% && echo [name %COMPUTERNAME%]
RUN C:\p\probe.exe cat /etc/resolv.conf && echo [asked]
RUN C:\p\probe.exe cat /etc/hosts
RUN --network=none C:\p\probe.exe cat /etc/resolv.conf && echo [alone]
RUN --network=none C:\p\probe.exe cat /etc/hosts
",
    );
    std::fs::copy(probe::folder().join("probe.exe"), context.path("probe.exe")).expect("a copy");
    let line = ["build", "--progress", "plain", "--add-host", "the.host:host-gateway"];
    let said = host.transom(&line).arg(context.0.path()).succeed().errors();
    assert!(said.to_lowercase().contains("[name buildkitsandb"), "{said}");
    let (with, without) = said.rsplit_once("[asked]").expect("the step spoke");
    // Without a network there is no way to the host, and that is no reason to fail.
    assert!(with.contains("the.host") || without.contains("the.host"), "{said}");
    let alone = said.rsplit_once("[alone]").expect("the step spoke").1;
    assert!(!alone.contains("the.host"), "{said}");
    let of_host = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = of_host.lines().filter_map(|line| line.strip_prefix("nameserver "));
    for server in servers.map(str::trim).filter(|server| !server.starts_with("127.")) {
        assert!(with.contains(&format!("nameserver {server}")), "{server}: {said}");
        assert!(!without.contains(server), "{server}: {said}");
    }
}

/// `HostnameSpecifying` and `CheckHostname`.
#[test]
fn a_step_may_be_told_its_name_which_is_no_part_of_its_layer() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base\n\
         RUN echo [%COMPUTERNAME%]& reg query \
         HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters /v Hostname\n",
    );
    let named = |name: &str| {
        let argument = format!("BUILDKIT_SANDBOX_HOSTNAME={name}");
        build(&host, &context, &["--build-arg", &argument, "-t", "test/host:1"])
    };
    let said = named("testtest").succeed().errors();
    assert!(spoke(&said, "[TESTTEST]"), "{said}");
    let told = said.lines().any(|line| line.contains("REG_SZ") && line.ends_with("testtest"));
    assert!(told && !said.contains("WARNING"), "{said}");
    let layers = layers::of(&host, "test/host:1");
    assert!(!layers[1].holds("Hives/System_Delta"), "a name is the container's, not the image's");
    assert!(named("testtest").succeed().errors().contains("CACHED"));
    let said = named("another").succeed().errors();
    assert!(spoke(&said, "[ANOTHER]"), "{said}");
    let said = named("no name").fail().errors();
    assert!(said.contains("a host name has at most 63 letters"), "{said}");
    host.transom(&["rmi", "test/host:1"]).succeed();
}
