//! What a shim holds does not grow with what has run in its containers.

use std::time::Duration;

use crate::many::rounds;
use crate::support::container::BASE;
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
    let before = (still_open(shim), shim.private_memory());
    let count = run(2000, Duration::from_secs(12));
    let after = (still_open(shim), shim.private_memory());
    println!("{count} execs: {before:?} descriptors and bytes became {after:?}");
    assert!(after.0 <= before.0, "{count} execs: {before:?} became {after:?}");
    assert!(after.1 <= before.1 + SLACK, "{count} execs: {before:?} became {after:?}");
}

/// Descriptors, once what the last exec had is closed.
fn still_open(shim: &Process) -> usize {
    wait::until_it_stays("a number of descriptors", || shim.descriptors())
}
