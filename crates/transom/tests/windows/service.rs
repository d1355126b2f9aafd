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

/// A container as a power cut leaves it: its state says that it runs, and nobody runs it.
fn cut_off(place: &Place, name: &str, policy: &str) {
    let flags = ["create", "--name", name, "--restart", policy, "--network", "none"];
    let program = ["transom/base", "cmd", "/c", "ping -n 3600 127.0.0.1"];
    let id = place.ok(&[&flags[..], &program].concat());
    let state = place.root().join("containers").join(id).join("state.json");
    std::fs::write(state, r#"{"status":"running","pid":4}"#).unwrap();
}

const PID: [&str; 3] = ["inspect", "-f", "{{.State.Pid}}"];

/// It has a process of its own, and not the one that was lost.
fn is_new(pid: &str) -> bool {
    pid.parse::<u32>().unwrap() > 4
}

#[test]
fn what_is_to_run_always_comes_up_after_a_boot() {
    let _manager = alone();
    let place = Place::new();
    for policy in ["always", "no"] {
        cut_off(&place, policy, policy);
    }
    place.ok(&["service", "run"]);
    let pid = |name| place.ok(&[&PID[..], &[name]].concat());
    assert!(is_new(&pid("always")));
    assert!(!is_new(&pid("no")), "nobody asked for it");
    place.ok(&["stop", "-t", "1", "always"]);
    let state = place.ok(&["inspect", "-f", "{{.State.Status}}", "always"]);
    assert_eq!(state, "exited");
}

/// A container that is removed in any case.
struct Made<'a>(&'a Place, &'a str);

impl Drop for Made<'_> {
    fn drop(&mut self) {
        self.0.run(&["rm", "-f", self.1]);
    }
}

/// Services have the machine's environment, and so the machine's place.
#[test]
fn the_managers_service_brings_it_up_too() {
    let _manager = alone();
    let place = Place::of_the_machine();
    let name = format!("service-{}", std::process::id());
    let _made = Made(&place, &name);
    cut_off(&place, &name, "always");
    let _installed = Installed(&place);
    // A test that was killed has left its own.
    place.ok(&["service", "uninstall"]);
    place.ok(&["service", "install"]);
    assert!(succeeds("net", &["start", "Transom"]));
    place.until(&[&PID[..], &[&name]].concat(), is_new);
    place.ok(&["service", "uninstall"]);
    let said = place.ok(&["exec", &name, "cmd", "/c", "echo here"]);
    assert_eq!(said, "here", "it does not end with the service");
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
