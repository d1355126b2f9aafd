//! `kill -9` at any moment of a pod's life: of its shim, of a silo host, of containerd.

use std::time::Duration;

use super::{Pod, Spec};
use crate::many::rounds;
use crate::support::chance::Chance;
use crate::support::container::BASE;
use crate::support::containerd::{Containerd, Events};
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
        one_round(&host, &mut containerd, &pod, victim, moment);
        pod.remove(&containerd, &spec);
        before.expect_again(&host);
    }
    // What came through all that still works.
    let pod = Pod::planned(&spec, "last", true, 1);
    pod.run_all(&containerd).unwrap();
    pod.remove(&containerd, &spec);
    before.expect_again(&host);
}

fn one_round(
    host: &Host,
    containerd: &mut Containerd,
    pod: &Pod,
    victim: Victim,
    moment: Duration,
) {
    let mut events = containerd.events();
    let mut ran = Vec::new();
    std::thread::scope(|scope| {
        let daemon = &*containerd;
        // It may be killed while it comes, so that it may fail.
        scope.spawn(move || pod.run_all(daemon));
        std::thread::sleep(moment);
        ran.extend(pod.ids.iter().filter(|id| count(&mut events, id, "start") == 1));
        match victim {
            Victim::Shim => proc::kill_named(host, "containerd-shim-runhcs-v1"),
            Victim::Silo => proc::kill_named(host, "transom-silo"),
            Victim::Containerd => daemon.kill_daemon(),
        }
    });
    match victim {
        Victim::Containerd => {
            containerd.start_again();
            for id in ran {
                expect_found(containerd, id);
            }
        }
        Victim::Shim => ran.into_iter().for_each(|id| expect_end(&mut events, id)),
        // A placeholder has no silo.
        Victim::Silo => {
            let with_silo = ran.into_iter().filter(|id| !pod.is_placeholder(id));
            with_silo.for_each(|id| expect_end(&mut events, id));
        }
    }
    if victim != Victim::Containerd {
        for (id, topic) in pod.ids.iter().flat_map(|id| TOPICS.map(|topic| (id, topic))) {
            count(&mut events, id, topic);
        }
    }
}

const TOPICS: [&str; 4] = ["create", "start", "exit", "delete"];

/// How often an event was told of a task: no event comes twice.
fn count(events: &mut Events, id: &str, topic: &str) -> usize {
    let told = events.of_task(id);
    let count = told.iter().filter(|told| told.topic == topic).count();
    assert!(count <= 1, "{topic} of {id} is told {count} times: {told:?}");
    count
}

/// What was told to have started and was killed is told to have ended: whoever listened all the time
/// can rely on it.
fn expect_end(events: &mut Events, id: &str) {
    wait::until(&format!("the end of {id}"), || (count(events, id, "exit") == 1).then_some(()));
}

/// A containerd that was started again finds what it had.
fn expect_found(containerd: &Containerd, id: &str) {
    wait::until(&format!("{id} among the tasks"), || {
        let list = containerd.run(&["task", "list"]).1;
        let row = |line: &str| line.split_whitespace().next() == Some(id);
        list.lines().any(|line| row(line) && line.ends_with("RUNNING")).then_some(())
    });
}
