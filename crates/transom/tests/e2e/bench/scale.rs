//! Whether the fiftieth container costs what the first one did.

use std::time::{Duration, Instant};

use super::figures::Figure;
use super::{mebibytes, median};
use crate::support::container::Container;
use crate::support::host::{self, Host};
use crate::support::proc::{self, Process};

#[test]
#[ignore = "a measurement"]
fn scale() {
    let host = host::alone();
    Container::idle(&host).remove();
    let alone: Vec<Duration> = (0..7)
        .map(|_| {
            let (container, time) = started(&host);
            container.remove();
            time
        })
        .collect();
    let one = median(alone);

    let mut containers = Vec::new();
    let mut times = Vec::new();
    let mut memory = Vec::new();
    for count in 1..=50 {
        let (container, time) = started(&host);
        containers.push(container);
        times.push(time);
        if [1, 10, 50].contains(&count) {
            memory.push(held(&host) / f64::from(count));
        }
    }
    let ten = median(times[..10].to_vec());
    let fifty = median(times[40..].to_vec());
    Figure::new("start of 1 container", one, "s").record();
    Figure::ratio("start of one among 10", ten, one, "of one alone").at_most(1.2).record();
    Figure::ratio("start of one among 50", fifty, one, "of one alone").at_most(1.2).record();
    Figure::new("memory of 1 container, all of it", memory[0], "MiB").record();
    Figure::ratio("memory of one among 10", memory[1], memory[0], "of one alone")
        .at_most(1.2)
        .record();
    Figure::ratio("memory of one among 50", memory[2], memory[0], "of one alone")
        .at_most(1.2)
        .record();
}

fn started(host: &Host) -> (Container<'_>, Duration) {
    let begun = Instant::now();
    let container = Container::idle(host);
    (container, begun.elapsed())
}

/// Private memory of everything that runs for this host, in MiB.
fn held(host: &Host) -> f64 {
    mebibytes(proc::of(host).iter().map(Process::private_memory).sum())
}
