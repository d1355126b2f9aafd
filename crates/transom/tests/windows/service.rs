//! The Windows service: what it brings up, and its life at the service control manager.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::place::Place;

const SOURCE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Transom";

/// One after the other: what is run by hand asks the manager first whether it is its service.
fn alone() -> MutexGuard<'static, ()> {
    static MANAGER: Mutex<()> = Mutex::new(());
    MANAGER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().unwrap().status.success()
}

/// A power cut leaves a state that says that it runs, and nobody who runs it.
#[test]
fn what_is_to_run_always_comes_up_after_a_boot() {
    let _manager = alone();
    let place = Place::new();
    let program = ["transom/base", "cmd", "/c", "ping -n 3600 127.0.0.1"];
    for policy in ["always", "no"] {
        let flags = ["create", "--name", policy, "--restart", policy, "--network", "none"];
        let id = place.ok(&[&flags[..], &program].concat());
        let state = place.root().join("containers").join(id).join("state.json");
        std::fs::write(state, r#"{"status":"running","pid":4}"#).unwrap();
    }
    place.ok(&["service", "run"]);
    let pid = |name| place.ok(&["inspect", "-f", "{{.State.Pid}}", name]).parse::<u32>().unwrap();
    assert!(pid("always") > 4, "it has a process of its own");
    assert!(pid("no") <= 4, "nobody asked for it");
    place.ok(&["stop", "-t", "1", "always"]);
    let state = place.ok(&["inspect", "-f", "{{.State.Status}}", "always"]);
    assert_eq!(state, "exited");
}

/// Registered, and taken back in any case.
struct Installed<'a>(&'a Place);

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        self.0.run(&["service", "uninstall"]);
    }
}

#[test]
fn the_service_is_installed_started_stopped_and_uninstalled() {
    let _manager = alone();
    let place = Place::new();
    let _installed = Installed(&place);
    // A test that was killed has left its own.
    place.ok(&["service", "uninstall"]);
    place.ok(&["service", "install"]);
    let told = place.refused(&["service", "install"]);
    assert!(told.contains("installing the service"), "{told}");
    assert!(succeeds("reg", &["query", SOURCE]), "it is a source of the event log");
    assert!(succeeds("net", &["start", "Transom"]));
    assert!(succeeds("net", &["stop", "Transom"]));
    assert!(succeeds("net", &["start", "Transom"]), "also again");
    place.ok(&["service", "uninstall"]);
    assert!(!succeeds("net", &["stop", "Transom"]), "it was stopped first");
    assert!(!succeeds("reg", &["query", SOURCE]), "it is one no more");
    place.ok(&["service", "uninstall"]);
}
