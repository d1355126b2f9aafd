//! A machine that lost its power: everything ends at one moment, and files of what was are left. They
//! are in nobody's way, whether containerd remembers its containers or not.

use super::{Pod, Spec};
use crate::support::container::BASE;
use crate::support::containerd::Containerd;
use crate::support::host::{self, Host};
use crate::support::leaks::Footprint;
use crate::support::proc;
use crate::support::wait;

#[test]
fn what_a_machine_left_when_it_lost_its_power_is_in_nobodys_way() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let spec = Spec::of(&host);
    let before = Footprint::of(&host);
    for is_held in [true, false] {
        let pod = Pod::planned(&spec, "p", is_held, 2);
        let mut containerd = Containerd::of(&host);
        pod.run_all(&containerd).unwrap();
        lose_power(&host, &containerd);

        // It remembers, and clears away what it had.
        containerd.start_again();
        pod.remove(&containerd, &spec);
        before.expect_again(&host);

        let pod = Pod::planned(&spec, "p", is_held, 2);
        pod.run_all(&containerd).unwrap();
        lose_power(&host, &containerd);
        drop(containerd);

        // It has forgotten, and the same names come again.
        let containerd = Containerd::of(&host);
        pod.run_all(&containerd).unwrap();
        pod.remove(&containerd, &spec);
        before.expect_again(&host);
    }
}

/// Everything of this host's that runs, at once.
fn lose_power(host: &Host, containerd: &Containerd) {
    containerd.kill_daemon();
    // Whoever is killed first may still start another to clear away.
    wait::until("the end of everything", || {
        let running = proc::of(host);
        for process in &running {
            process.kill();
        }
        running.is_empty().then_some(())
    });
}
