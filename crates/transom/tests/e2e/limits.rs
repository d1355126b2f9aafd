//! Limits hold: whoever wants more than its share hurts only itself.

use std::time::Duration;

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};

#[test]
fn a_memory_hog_is_killed_and_that_is_told() {
    let host = host::shared();
    let flags = ["--memory", "256m", &probe::mount()];
    let container = Container::run(&host, &flags, &[BASE, PROBE, "eat", "2000"]);
    assert_ne!(container.wait(), 0);
    let state = container.inspect()["State"].take();
    assert_eq!(state["OOMKilled"], true, "{state}");
    assert!(!container.logs().text().contains("ate 2000"), "{:?}", container.logs());
    let events = host
        .transom(&["events", "--since", "10m", "--until", "0s", "--filter"])
        .arg(format!("container={}", container.id()))
        .succeed();
    assert!(events.text().contains(" oom "), "{events:?}");
}

#[test]
fn what_fits_into_the_memory_limit_is_left_alone() {
    let host = host::shared();
    let flags = ["run", "--rm", "--memory", "512m", &probe::mount(), BASE, PROBE, "eat", "200"];
    assert_eq!(host.transom(&flags).succeed().text(), "ate 200 MiB");
}

#[test]
fn a_fork_bomb_stays_inside() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "fork", "60000"]);
    let log = container.wait_for_log("born");
    let born: u32 = log.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(born < 20_000, "{log}");
    assert!(log.contains("errno 11"), "{log}");
    // The host still has room, and the bomb can be cleared away.
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "echo room"]).succeed();
    container.remove();
}

#[test]
fn a_processor_limit_holds() {
    let host = host::shared();
    let flags = ["run", "--rm", "--cpus", "0.5", &probe::mount(), BASE, PROBE, "spin", "3000"];
    let thousandths: u32 = host.transom(&flags).succeed().text().parse().unwrap();
    assert!((100..700).contains(&thousandths), "{thousandths}/1000 of a processor");
}

#[test]
fn limits_change_while_it_runs() {
    let host = host::shared();
    let container = Container::idle(&host);
    container.transom("update", &["--cpus", "0.3", "--memory", "300m"]).succeed();
    let thousandths: u32 =
        container.exec(&[PROBE, "spin", "3000"]).succeed().text().parse().unwrap();
    assert!(thousandths < 500, "{thousandths}/1000 of a processor");
    container.exec(&[PROBE, "eat", "1000"]).fail();
    let memory = container.inspect()["HostConfig"]["Memory"].as_u64();
    assert_eq!(memory, Some(300 << 20));
}

#[test]
fn a_disk_filler_stops_at_the_size_of_its_drive_or_the_size_is_refused() {
    let host = host::shared();
    let flags = ["run", "--rm", "--storage-opt", "size=64M", &probe::mount(), BASE];
    let line = [PROBE, "fill", r"C:\filler.bin", "200"];
    let output = host.transom(&flags).args(&line).fail();
    let limited = output.text().contains("wrote") && output.text().contains("error 112");
    let refused = output.errors().contains("size");
    assert!(limited || refused, "{output:?}");
}

#[test]
fn a_host_wide_shortage_is_not_caused_by_a_stubborn_pair() {
    let host = host::shared();
    let flags = ["--memory", "200m", "--cpus", "0.5", &probe::mount()];
    let hog = Container::run(&host, &flags, &[BASE, PROBE, "breed", "500"]);
    let output = host.transom(&["run", "--rm", BASE, "cmd", "/c", "echo room"]).succeed();
    assert!(output.time < Duration::from_secs(30), "{output:?}");
    hog.remove();
}
