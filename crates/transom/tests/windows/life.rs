//! Containers from their making to their end.

use crate::place::Place;

const LASTS: &str = "ping -n 3600 127.0.0.1";

#[test]
fn a_program_runs_in_the_foreground_and_its_code_is_the_commands() {
    let place = Place::new();
    let run = ["run", "--rm", "--network", "none", "transom/base", "cmd", "/c"];
    let told = place.ok(&[&run[..], &["echo hello from %OS%"]].concat());
    assert_eq!(told, "hello from Windows_NT");
    let ended = place.run(&[&run[..], &["echo wrong>&2 & exit 7"]].concat());
    assert_eq!(ended.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&ended.stderr).trim(), "wrong");
    assert_eq!(place.ok(&["ps", "-aq"]), "", "--rm leaves nothing");
}

#[test]
fn a_container_in_the_background_is_seen_entered_stopped_and_removed() {
    let place = Place::new();
    let line = format!("echo begun & {LASTS}");
    let base = ["run", "-d", "--name", "one", "--network", "none", "transom/base"];
    let id = place.ok(&[&base[..], &["cmd", "/c", &line]].concat());
    assert_eq!(place.ok(&["ps", "-q", "--no-trunc"]), id);
    place.until(&["logs", "one"], |text| text.starts_with("begun"));
    assert_eq!(place.ok(&["exec", "one", "cmd", "/c", "echo entered"]), "entered");
    let state =
        place.ok(&["inspect", "-f", "{{.State.Status}} {{.HostConfig.NetworkMode}}", "one"]);
    assert_eq!(state, "running none");
    place.ok(&["kill", "one"]);
    place.ok(&["wait", "one"]);
    assert_eq!(place.ok(&["inspect", "-f", "{{.State.Running}}", "one"]), "false");
    place.ok(&["start", "one"]);
    place.ok(&["stop", "-t", "1", "one"]);
    place.ok(&["rm", "one"]);
    assert_eq!(place.ok(&["ps", "-aq"]), "");
}

#[test]
fn images_are_imported_named_saved_loaded_and_removed() {
    let place = Place::new();
    place.ok(&["create", "--name", "image", "--network", "none", "transom/base", "cmd"]);
    place.ok(&["tag", "transom/base", "mine:1"]);
    let names = place.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert!(names.lines().any(|name| name == "mine:1"), "{names}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.tar");
    let path = file.to_str().unwrap();
    place.ok(&["save", "-o", path, "mine:1"]);
    place.ok(&["rmi", "mine:1"]);
    let loaded = place.ok(&["load", "-i", path]);
    assert!(loaded.contains("mine:1"), "{loaded}");
}

#[test]
fn a_container_is_on_the_default_network_and_its_port_is_its_own() {
    let place = Place::new();
    let run = ["run", "-d", "--name", "web", "-p", "18081:80", "transom/base", "hcs-probe", "last"];
    place.ok(&run);
    assert_eq!(place.ok(&["port", "web"]), "80/tcp -> 0.0.0.0:18081");
    let address = "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Networks.nat.Gateway}}";
    let told = place.ok(&["inspect", "-f", address, "web"]);
    assert!(told.split(' ').all(|ip| ip.parse::<std::net::IpAddr>().is_ok()), "{told}");
    assert!(place.ok(&["network", "ls", "--format", "{{.Name}}"]).contains("nat"));
    let run = ["run", "--rm", "-p", "18081:80", "transom/base", "cmd", "/c", "ver"];
    let refused = place.refused(&run);
    assert!(refused.contains("a port of the host is published already"), "{refused}");
    place.ok(&["network", "prune", "-f"]);
    place.ok(&["network", "disconnect", "nat", "web"]);
    let begun = place.ok(&run);
    assert!(begun.contains("Windows"), "{begun}");
}

#[test]
fn a_running_container_is_asked_changed_and_told_to_end() {
    let place = Place::new();
    let line = "start /b hcs-probe last & hcs-probe last";
    let base = ["run", "-d", "--name", "one", "--network", "none", "transom/base"];
    place.ok(&[&base[..], &["cmd", "/c", line]].concat());
    place.until(&["top", "one"], |told| told.matches("hcs-probe").count() == 2);
    let used = place.ok(&["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "one"]);
    let (memory, pids) = used.split_once(' ').unwrap();
    assert!(memory != "0B" && pids.parse::<u32>().unwrap() >= 3, "{used}");
    place.ok(&["pause", "one"]);
    let refused = place.refused(&["exec", "one", "cmd", "/c", "ver"]);
    assert!(refused.contains("paused"), "{refused}");
    place.ok(&["unpause", "one"]);
    place.ok(&["update", "--memory", "512m", "--cpus", "1", "one"]);
    place.ok(&["rename", "one", "two"]);
    let changed = place.ok(&["inspect", "-f", "{{.HostConfig.Memory}} {{.Name}}", "two"]);
    assert_eq!(changed, "536870912 /two");
    place.ok(&["rm", "-f", "two"]);

    place.ok(&[&base[..], &["hcs-probe", "event"]].concat());
    place.until(&["logs", "one"], |text| text == "listening");
    place.ok(&["stop", "one"]);
    // It was asked to end, and did so by itself.
    assert_eq!(place.ok(&["wait", "one"]), "106");
    let told = place.ok(&["events", "--since", "10m", "--until", "0s", "--format", "{{.Action}}"]);
    for action in ["create", "start", "pause", "unpause", "update", "rename", "destroy", "die"] {
        assert!(told.lines().any(|line| line == action), "{action} is missing in {told}");
    }
}
