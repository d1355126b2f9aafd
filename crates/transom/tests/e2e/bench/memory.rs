//! Memory that a container costs beside what runs in it.

use std::time::Duration;

use super::figures::Figure;
use super::mebibytes;
use crate::support::container::Container;
use crate::support::host;
use crate::support::proc::{self, Process};

#[test]
#[ignore = "a measurement"]
fn memory() {
    let host = host::alone();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", "exit"]).succeed();
    let mib = |processes: &[Process]| {
        let bytes: u64 = processes.iter().map(Process::private_memory).sum();
        mebibytes(bytes)
    };
    // Shims and monitors rest after a while.
    std::thread::sleep(Duration::from_secs(2));
    let shim = mib(&proc::named(&host, "containerd-shim-runhcs-v1"));
    let (host_part, inside): (Vec<_>, Vec<_>) = proc::named(&host, "transom-silo")
        .into_iter()
        .partition(|process| !process.is_in_a_namespace());
    let silo = mib(&host_part);
    Figure::new("shim, private memory", shim, "MiB").record();
    Figure::new("silo host, private memory", silo, "MiB").record();
    Figure::new("shim and silo host, private memory", shim + silo, "MiB").at_most(8.0).record();
    Figure::new("pid 1 inside, private memory", mib(&inside), "MiB").record();
    Figure::new("monitor, private memory", mib(&proc::named(&host, "transom")), "MiB").record();
}
