//! Many containers, at once and one after another; then nothing may be left.

use std::time::{Duration, Instant};

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::leaks::Footprint;
use crate::support::{proc, wait};

/// How often something is repeated: always at least a few times, all of them when asked for, and
/// otherwise as often as the time for a usual run allows.
pub(crate) fn rounds(most: u32, time: Duration) -> impl Iterator<Item = u32> {
    let full = std::env::var_os("TRANSOM_E2E_FULL").is_some();
    let started = Instant::now();
    (0..most).take_while(move |round| full || *round < 4 || started.elapsed() < time)
}

#[test]
fn twenty_run_at_once() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let before = Footprint::of(&host);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..20)
            .map(|number| {
                let host = &host;
                scope.spawn(move || {
                    let line = format!("echo number {number}& exit {number}");
                    host.transom(&["run", "--rm", BASE, "cmd", "/c", &line]).end_with(number).text()
                })
            })
            .collect();
        for (number, run) in runs.into_iter().enumerate() {
            assert_eq!(run.join().unwrap(), format!("number {number}"));
        }
    });
    before.expect_again(&host);
}

#[test]
fn a_round_of_create_run_remove_leaves_nothing_however_often() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let before = Footprint::of(&host);
    for round in rounds(200, Duration::from_secs(30)) {
        let line = format!("exit {round}");
        let container = Container::create(&host, &[], &[BASE, "cmd", "/c", &line]);
        container.transom("start", &[]).succeed();
        assert_eq!(container.wait(), round);
        container.remove();
    }
    before.expect_again(&host);
}

#[test]
fn nothing_grows_with_the_number_of_programs_run() {
    let host = host::alone();
    let container = Container::idle(&host);
    // At rest: a shim that was just asked for something holds more of its program.
    let held = || -> u64 {
        let now = || proc::of(&host).iter().map(proc::Process::private_memory).sum();
        wait::until_it_stays("what is held", now)
    };
    let run = |times: u32, limit: Duration| {
        for _ in rounds(times, limit) {
            container.exec(&["cmd", "/c", "exit"]).succeed();
        }
    };
    // Descriptors and threads of everything that runs: silo host, pid 1, Wine, guest, program.
    let open = || -> Vec<(proc::Process, usize)> {
        let handles = |process: proc::Process| {
            let count = process.handles();
            (process, count)
        };
        proc::of(&host).into_iter().map(handles).collect()
    };
    // The first ones fill caches and pools.
    run(10, Duration::from_secs(10));
    let names = || proc::of(&host).into_iter().map(|process| process.pid).collect::<Vec<_>>();
    // The last of them, and what a test before this one had, may still be about to go.
    wait::until_it_stays("what runs", names);
    let (before, handles) = (held(), open());
    run(2000, Duration::from_secs(20));
    let now = wait::until("the last program's traces", || {
        let now = open();
        (now.len() == handles.len()).then_some(now)
    });
    for ((process, before), (same, after)) in handles.iter().zip(&now) {
        assert_eq!(process, same);
        assert!(*after <= before + 8, "{process:?}: {before} handles became {after}");
    }
    let after = held();
    assert!(after < before + (4 << 20), "{before} bytes became {after}");
}
