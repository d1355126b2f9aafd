//! Requests in any order against the real shim, through a real containerd: what the model tests of
//! `lifecycle` and `shim` do, thinned. Whatever is asked, nothing hangs, the events of each process
//! come in their order, and nothing is left.

use std::time::Duration;

use super::Spec;
use super::pods::{remove, run};
use crate::many::rounds;
use crate::support::chance::Chance;
use crate::support::container::BASE;
use crate::support::containerd::{Containerd, Told};
use crate::support::host;
use crate::support::leaks::Footprint;
use crate::support::probe::PROBE;

/// How many requests are made of one container.
const STEPS: u32 = 12;
/// How long one may take: far more than any should.
const LIMIT: &str = "60s";
const PROGRAMS: [&[&str]; 3] = [&["cmd", "/c", "exit 3"], &[PROBE, "nap"], &["nosuch.exe"]];
const EXECS: [&str; 2] = ["e1", "e2"];

#[test]
fn whatever_is_asked_in_whatever_order_events_are_in_order_and_nothing_is_left() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let containerd = Containerd::of(&host);
    let spec = Spec::of(&host);
    let before = Footprint::of(&host);
    let mut chance = Chance::new();
    for round in rounds(100, Duration::from_secs(15)) {
        let id = format!("r{round}");
        let mut events = containerd.events();
        run(&containerd, &id, &spec.container(&id, &[PROBE, "nap"])).unwrap();
        for _ in 0..STEPS {
            let line = step(&id, &mut chance);
            println!("round {round}: {line:?}");
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let output = containerd.output(&line);
            // A refusal is as good an answer as any; none is not.
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!errors.contains("deadline"), "{line:?}: {errors}");
        }
        remove(&containerd, &id);
        spec.forget(&id);
        before.expect_again(&host);
        let told = events.of_task(&id);
        for process in ["", EXECS[0], EXECS[1]] {
            check(&told, process);
        }
    }
}

fn step(id: &str, chance: &mut Chance) -> Vec<String> {
    let words = |line: &[&str]| {
        let line = ["--timeout", LIMIT].iter().chain(line);
        line.map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let exec = *chance.one_of(&EXECS);
    match chance.below(8) {
        0..=2 => {
            let flags = ["task", "exec", "--detach", "--exec-id", exec, id];
            let program = *chance.one_of(&PROGRAMS);
            words(&[&flags[..], program].concat())
        }
        3 => words(&["task", "kill", "--signal", "9", "--exec-id", exec, id]),
        4 => words(&["task", "delete", "--exec-id", exec, id]),
        5 => words(&["task", "pause", id]),
        6 => words(&["task", "resume", id]),
        _ => words(&["task", "kill", "--signal", *chance.one_of(&["0", "15", "77"]), id]),
    }
}

/// hcsshim's order of events: what may follow what, of one process. An exec's id may be used again, and one that is
/// still there when its task is deleted is told of no more.
fn check(all: &[Told], process: &str) {
    let mut last = "";
    for told in all.iter().filter(|told| told.process == process) {
        let topic = told.topic.as_str();
        let follows = match (process, topic, last) {
            ("", "create", "")
            | ("", "start", "create")
            | ("", "paused", "start" | "resumed")
            | ("", "resumed", "paused")
            | ("", "exit", "start" | "paused" | "resumed")
            | ("", "delete", "exit") => true,
            ("", ..) => false,
            (_, "exec-added", "" | "delete")
            | (_, "exec-started", "exec-added")
            | (_, "exit", "exec-started")
            | (_, "delete", "exec-added" | "exit") => true,
            _ => false,
        };
        assert!(follows, "{topic} of `{process}` after `{last}`: {all:?}");
        last = topic;
    }
    assert!(!process.is_empty() || last == "delete", "it ends with {last}: {all:?}");
}
