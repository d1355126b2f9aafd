//! `kill -9` at any moment of a pod's life: of its shim, of a silo host, of containerd.

use std::time::Duration;

use super::{Pod, Spec};
use crate::many::rounds;
use crate::support::chance::Chance;
use crate::support::container::BASE;
use crate::support::containerd::{Containerd, Events, Told};
use crate::support::host::{self, Host};
use crate::support::leaks::Footprint;
use crate::support::proc;
use crate::support::wait;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Shim,
    Silo,
    Containerd,
}

const VICTIMS: [Victim; 3] = [Victim::Shim, Victim::Silo, Victim::Containerd];

impl Victim {
    fn kill(self, host: &Host, containerd: &Containerd) {
        match self {
            Self::Shim => proc::kill_named(host, "containerd-shim-runhcs-v1"),
            Self::Silo => proc::kill_named(host, "transom-silo"),
            Self::Containerd => containerd.kill_daemon(),
        }
    }

    /// Whether a container of this pod ends by it.
    fn ends(self, pod: &Pod, id: &str) -> bool {
        match self {
            Self::Shim => true,
            // A placeholder has no silo.
            Self::Silo => !pod.is_placeholder(id),
            Self::Containerd => false,
        }
    }
}

#[test]
fn whoever_of_a_pod_is_killed_whenever_nothing_is_left_and_no_event_is_lost_or_doubled() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let mut containerd = Containerd::of(&host);
    let spec = Spec::of(&host);
    let before = Footprint::of(&host);
    let mut chance = Chance::new();
    for round in rounds(100, Duration::from_secs(25)) {
        let victim = VICTIMS[round as usize % VICTIMS.len()];
        let moment = Duration::from_millis(chance.below(1500));
        let pod = Pod::planned(&spec, &format!("p{round}"), chance.below(2) == 0, 2);
        println!("round {round}: {victim:?} after {moment:?}");
        let (mut events, told) = kill_one(&host, &mut containerd, &pod, victim, moment);
        pod.remove(&containerd, &spec);
        judge(&containerd, &mut events, &pod, &told, victim != Victim::Containerd);
        before.expect_again(&host);
    }
    // What came through all that still works.
    let pod = Pod::planned(&spec, "last", true, 1);
    pod.run_all(&containerd).unwrap();
    pod.remove(&containerd, &spec);
    before.expect_again(&host);
}

/// Kills, and brings a killed containerd back: who listens, and which containers were told to have
/// started by then.
fn kill_one(
    host: &Host,
    containerd: &mut Containerd,
    pod: &Pod,
    victim: Victim,
    moment: Duration,
) -> (Events, Vec<String>) {
    let mut events = containerd.events();
    let mut started = Vec::new();
    std::thread::scope(|scope| {
        let daemon = &*containerd;
        // It may be killed while it comes, so that it may fail.
        scope.spawn(move || pod.run_all(daemon));
        std::thread::sleep(moment);
        started.extend(pod.ids.iter().filter(|id| has(&events.of_task(id), "start")).cloned());
        victim.kill(host, daemon);
    });
    if victim == Victim::Containerd {
        containerd.start_again();
        for id in &started {
            expect_found(containerd, id);
        }
        // Nobody heard what was told while it was away.
        events = containerd.events();
    }
    for id in started.iter().filter(|id| victim.ends(pod, id)) {
        wait::until(&format!("the end of {id}"), || has(&events.of_task(id), "exit").then_some(()));
    }
    (events, started)
}

/// Once all is removed: what was told to have started is told to have ended and to be gone.
fn judge(
    containerd: &Containerd,
    events: &mut Events,
    pod: &Pod,
    started: &[String],
    heard_all: bool,
) {
    for id in started {
        wait::until(&format!("the deletion of {id}"), || {
            has(&events.of_task(id), "delete").then_some(())
        });
    }
    // Whatever else was told by now.
    events.catch_up(containerd);
    for id in &pod.ids {
        check(&events.of_task(id), id, heard_all);
    }
}

/// Each thing is told once and in order, and who listened all the time heard the beginning of all.
fn check(told: &[Told], id: &str, heard_all: bool) {
    let topics: Vec<&str> = told.iter().map(|told| told.topic.as_str()).collect();
    let places = topics.iter().map(|topic| LIFE.iter().position(|known| known == topic));
    let places: Vec<_> = places.map(|place| place.expect("a task's events have names")).collect();
    assert!(places.is_sorted_by(|one, next| one < next), "of {id}: {topics:?}");
    let follows = |later, earlier| !has(told, later) || has(told, earlier);
    assert!(!heard_all || follows("start", "create"), "of {id}: {topics:?}");
    assert!(!has(told, "start") || follows("delete", "exit"), "of {id}: {topics:?}");
}

/// What may be told of a task, in order.
const LIFE: [&str; 4] = ["create", "start", "exit", "delete"];

fn has(told: &[Told], topic: &str) -> bool {
    told.iter().any(|told| told.topic == topic)
}

/// A containerd that was started again finds what it had.
fn expect_found(containerd: &Containerd, id: &str) {
    wait::until(&format!("{id} among the tasks"), || {
        let list = containerd.succeed(&["task", "list"]);
        let row = |line: &str| line.split_whitespace().next() == Some(id);
        list.lines().any(|line| row(line) && line.ends_with("RUNNING")).then_some(())
    });
}
