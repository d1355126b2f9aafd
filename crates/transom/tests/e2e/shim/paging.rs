//! A client that takes its time with what a container said: `ctr run | less`.

#![expect(clippy::unwrap_used, reason = "a test in several functions")]

use std::io::Read as _;
use std::process::{Child, Stdio};

use super::Spec;
use super::pods::{RUNTIME, remove};
use crate::support::container::BASE;
use crate::support::containerd::Containerd;
use crate::support::host;
use crate::support::probe::PROBE;
use crate::support::wait;

/// More than the pipes between `ctr`'s reader and the shim hold, and less than makes the program
/// itself wait.
const LINES: usize = 17_000;

/// One is read, and the other one is killed: what has been told of the second by then was not told of the
/// first, after the same time.
#[test]
fn who_pages_through_what_a_container_said_gets_all_of_it_and_a_kill_does_not_wait_for_that() {
    let host = host::shared();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let (containerd, spec) = (Containerd::of(&host), Spec::of(&host));
    let mut events = containerd.events();
    let [mut read, mut killed] = ["read", "killed"].map(|id| run(&containerd, &spec, id));
    for id in ["read", "killed"] {
        wait::until("the end of a program", || {
            let list = containerd.succeed(&["task", "list"]);
            list.lines().any(|line| line.starts_with(id) && line.ends_with("STOPPED")).then_some(())
        });
    }
    // It has ended: the signal is for those who wait.
    containerd.output(&["task", "kill", "--signal", "9", "killed"]);
    let mut has_ended = |id: &str| events.of_task(id).iter().any(|told| told.topic == "exit");
    wait::until("the exit of one that was killed", || has_ended("killed").then_some(()));
    assert!(!has_ended("read"), "it is still being read");
    let mut said = String::new();
    read.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), LINES, "the last is {:?}", lines.last());
    assert!(read.wait().unwrap().success());
    drop(killed.stdout.take());
    killed.wait().unwrap();
    for id in ["read", "killed"] {
        remove(&containerd, id);
        spec.forget(id);
    }
}

/// Says all that it has to say, to somebody who does not read.
fn run(containerd: &Containerd, spec: &Spec, id: &str) -> Child {
    let file = spec.container(id, &[PROBE, "count", &LINES.to_string(), "0"]);
    let file = file.display().to_string();
    let line = ["run", "--rm", "--runtime", RUNTIME, "--config", &file, id];
    containerd.ctr(&line).stdout(Stdio::piped()).spawn().unwrap()
}
