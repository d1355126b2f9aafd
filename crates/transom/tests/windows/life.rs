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
