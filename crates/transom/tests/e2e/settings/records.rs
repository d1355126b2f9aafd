//! Flags that are seen from outside, or only when a container starts or ends.

use std::time::Duration;

use serde_json::json;

use crate::support::archive::{self, Layer};
use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};
use crate::support::{http, programs, wait};

#[test]
fn what_a_container_is_told_about_itself_is_kept_and_found() {
    let host = host::shared();
    let folder = host.scratch();
    let (labels, id_file) = (folder.path().join("labels"), folder.path().join("id"));
    std::fs::write(&labels, "# of a file\nfrom=file\n").unwrap();
    let name = format!("record-{}", std::process::id());
    let flags = [
        &format!("--name={name}"),
        &format!("--cidfile={}", id_file.display()),
        "--label=mark=flag",
        &format!("--label-file={}", labels.display()),
        "--expose=8080-8081/udp",
        "--stop-signal=SIGINT",
        "--stop-timeout=77",
        "--annotation=test.note=kept",
        "--pull=never",
    ];
    let container = Container::create(&host, &flags, &[BASE, "cmd"]);
    assert_eq!(std::fs::read_to_string(&id_file).unwrap(), container.id());
    let about = container.inspect();
    let config = &about["Config"];
    assert_eq!(config["Labels"], json!({ "mark": "flag", "from": "file" }));
    assert_eq!(config["ExposedPorts"], json!({ "8080/udp": {}, "8081/udp": {} }));
    assert_eq!((&config["StopSignal"], &config["StopTimeout"]), (&json!("SIGINT"), &json!(77)));
    assert_eq!(about["HostConfig"]["Annotations"]["test.note"], "kept");
    let filter = ["ps", "--all", "--quiet", "--no-trunc", "--filter", "label=mark=flag"];
    let found = host.transom(&filter).args(&["--filter", &format!("name={name}")]);
    assert_eq!(found.succeed().text(), container.id());
    let again = host.transom(&["create", flags[1], BASE, "cmd"]).fail();
    assert!(again.errors().contains("cidfile"), "{again:?}");
}

#[test]
fn who_it_runs_as_where_and_with_whose_volumes() {
    let host = host::shared();
    let owner = Container::create(&host, &[r"--volume=C:\shared"], &[BASE, "cmd"]);
    let from = format!("--volumes-from={}", owner.id());
    let run = |flags: &[&str], line: &str| {
        let flags = [&["run", "--rm", "--entrypoint=cmd"], flags, &[BASE, "/c", line]].concat();
        host.transom(&flags).output()
    };
    let output = run(&["--user=ContainerUser", &from], r"echo %USERNAME%> C:\shared\who");
    assert_eq!(output.errors(), "");
    let output = run(&[&format!("{from}:ro")], r"type C:\shared\who& echo x> C:\shared\new");
    assert!(output.text().contains("ContainerUser"), "{output:?}");
    assert!(format!("{output:?}").contains("enied"), "it is read-only: {output:?}");
    let output = run(&["--hostname=ship", "--domainname=sea.example"], "ipconfig /all");
    assert!(output.text().contains("sea.example"), "{output:?}");
    let output = run(&["--user=Nobody"], "ver");
    assert!(output.errors().contains("Nobody"), "{output:?}");
}

#[test]
fn all_exposed_ports_are_published_where_the_host_has_room() {
    let image = programs::image();
    let host = host::shared();
    let code = "require('http').createServer((q, a) => a.end('here')).listen(8080)";
    let flags = ["--publish-all", "--expose=8080"];
    let container = Container::run(&host, &flags, &[image, "node", "-e", code]);
    let port = container.transom("port", &[]).arg("8080/tcp").succeed().text();
    let (_, port) = port.rsplit_once(':').unwrap_or_default();
    wait::until("the answer", || http::get(&format!("127.0.0.1:{port}")).filter(|it| it == "here"));
}

#[test]
fn what_does_not_end_has_as_long_as_its_stop_timeout_says() {
    let host = host::shared();
    let flags = ["--stop-timeout=1", &probe::mount()];
    let container = Container::run(&host, &flags, &[BASE, PROBE, "stubborn"]);
    container.wait_for_log("ready");
    // Docker's own grace period is 30 s.
    container.transom("stop", &[]).limit(Duration::from_secs(25)).succeed();
    assert_eq!(container.status(), "exited");
}

#[test]
fn the_images_health_check_is_that_of_the_container_unless_it_is_switched_off() {
    let host = host::shared();
    let folder = host.scratch();
    let file = folder.path().join("checked.tar");
    let check = json!({ "Test": ["CMD-SHELL", "exit 3"], "Interval": 3_600_000_000_000_u64 });
    let config = json!({ "Healthcheck": check, "Cmd": ["cmd"] });
    archive::write(&file, "test/checked:1", &config, &mut [Layer::new()]);
    host.transom(&["load", "--input"]).arg(&file).succeed();
    let line = ["test/checked:1", "cmd"];
    let off = Container::create(&host, &["--no-healthcheck"], &line);
    assert_eq!(off.inspect()["Config"]["Healthcheck"]["Test"], json!(["NONE"]));
    // While it starts, checks come often and their failures do not count.
    let flags = ["-i", "--health-start-period=1h", "--health-start-interval=100ms"];
    let container = Container::run(&host, &flags, &line);
    let health = wait::until("three checks", || {
        let health = container.inspect()["State"]["Health"].take();
        health["Log"].as_array().is_some_and(|log| log.len() >= 3).then_some(health)
    });
    assert_eq!((&health["Status"], &health["FailingStreak"]), (&json!("starting"), &json!(0)));
    assert_eq!(health["Log"][0]["ExitCode"], 3, "{health}");
}
