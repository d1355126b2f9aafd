//! What a shim holds does not grow with what has run in its containers.

use std::time::Duration;

use crate::many::rounds;
use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::proc::{self, Process};
use crate::support::shim::Shim;
use crate::support::wait;

const SHIM: &str = "containerd-shim-runhcs-v1";
/// How much more memory may be held after all of them: what an allocator keeps varies.
const SLACK: u64 = 512 << 10;

#[test]
fn memory_and_descriptors_are_flat_over_two_thousand_execs() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let before = proc::named(&host, SHIM);
    let pod = Shim::pod(&host, "flat");
    let shims = proc::named(&host, SHIM);
    let mut own = shims.iter().filter(|process| !before.contains(process));
    let shim = own.next().expect("a pod has a shim");
    let run = |most: u32, time: Duration| {
        rounds(most, time).inspect(|number| pod.run_exec("flat", &format!("e{number}"))).count()
    };
    // The first ones fill caches and pools.
    run(50, Duration::from_secs(4));
    let before = at_rest(shim);
    let count = run(2000, Duration::from_secs(12));
    let after = at_rest(shim);
    println!("{count} execs: {before:?} descriptors and bytes became {after:?}");
    assert!(after.0 <= before.0, "{count} execs: {before:?} became {after:?}");
    assert!(after.1 <= before.1 + SLACK, "{count} execs: {before:?} became {after:?}");
}

/// Descriptors and memory, once what the last exec had is closed and let go.
fn at_rest(shim: &Process) -> (usize, u64) {
    wait::until_it_stays("what a shim holds", || (shim.descriptors(), shim.private_memory()))
}

#[test]
fn a_shim_and_a_monitor_that_nobody_asks_for_anything_let_go_of_what_they_held_at_work() {
    let host = host::alone();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", "exit"]).succeed();
    for name in [SHIM, "transom"] {
        let processes = proc::named(&host, name);
        let [process] = &processes[..] else { panic!("one {name}, not {processes:?}") };
        wait::until(&format!("rest of {name}"), || {
            let (now, most) = process.resident();
            (now < most * 3 / 4).then_some(())
        });
    }
    // Both do what they did.
    container.exec(&["cmd", "/c", "exit 3"]).end_with(3);
    container.remove();
}
