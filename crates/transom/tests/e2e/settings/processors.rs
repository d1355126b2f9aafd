//! Processor, memory and storage flags: what the kernel is told, and what programs get then.

use std::time::{Duration, Instant};

use crate::support::cgroup::{self, Cgroup};
use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::probe::{self, PROBE};
use crate::support::wait;

/// Flags, the files that tell of them in either version, and what they say.
type Row<'r> = (&'r [&'r str], &'r [&'r str], [String; 2]);

fn processors() -> u32 {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(count).expect("there are few")
}

/// Two threads that never rest.
fn burning<'h>(host: &'h Host, flag: &str) -> (Container<'h>, Cgroup) {
    burning_on(host, flag, &[])
}

/// The same, on a processor of their own choice.
fn burning_on<'h>(host: &'h Host, flag: &str, choice: &[&str]) -> (Container<'h>, Cgroup) {
    let program = [&[BASE, PROBE, "burn"], choice].concat();
    let container = Container::run(host, &[flag, &probe::mount()], &program);
    container.wait_for_log("burning");
    let group = Cgroup::of(container.id());
    (container, group)
}

#[test]
fn of_two_on_one_processor_the_one_with_more_shares_gets_more_time() {
    let host = host::shared();
    let (_heavy, heavy) = burning(&host, "--cpu-shares=2000");
    let (_light, light) = burning(&host, "--cpu-shares=500");
    let times = || [heavy.time(), light.time()];
    heavy.pin();
    light.pin();
    let before = times();
    let had = wait::until("a second of processor time", || {
        let now = times();
        let had = [now[0].saturating_sub(before[0]), now[1].saturating_sub(before[1])];
        (had[0] + had[1] > Duration::from_secs(1)).then_some(had)
    });
    let ratio = had[0].as_secs_f64() / had[1].as_secs_f64();
    assert!((2.0..8.0).contains(&ratio), "4 to 1 was asked for, {ratio:.2} to 1 is {had:?}");
}

/// Whichever processor a silo is kept on while it starts, one of these is another one.
#[test]
fn a_program_that_chooses_its_processor_at_once_is_on_it() {
    let host = host::shared();
    for chosen in cgroup::processors().into_iter().take(2) {
        let (_container, group) = burning_on(&host, "-i", &[&chosen.to_string()]);
        // Until the silo is let go it may be on that one by chance.
        wait::until("a silo that may use every processor", || {
            let may = ["cpuset.effective_cpus", "cpuset.cpus.effective"];
            let may = may.into_iter().find_map(|file| group.read(file));
            // Without such a group it may from the beginning.
            may.is_none_or(|may| cgroup::count(&may) == cgroup::processors().len()).then_some(())
        });
        wait::until("every thread on the one that was chosen", || {
            (group.processors_of("probe.exe") == [vec![chosen]]).then_some(())
        });
    }
}

#[test]
fn a_percentage_of_the_processors_is_never_exceeded() {
    let host = host::shared();
    let (_container, group) = burning(&host, "--cpu-percent=10");
    wait::until("throttling", || group.cpu_stat("nr_throttled").filter(|count| *count >= 3));
    let (before, since) = (group.time(), Instant::now());
    std::thread::sleep(Duration::from_secs(1));
    let (had, passed) = (group.time().saturating_sub(before), since.elapsed());
    // A period of a tenth of a second may lie on either end.
    let most = (passed + Duration::from_millis(300)) * processors() / 10;
    assert!(had < most, "{had:?} of {passed:?}");
}

/// A quota in thousandths of a processor, as both versions spell it.
fn quota(thousandths: u32) -> [String; 2] {
    let quota = thousandths * 100;
    [format!("{quota}"), format!("{quota} 100000")]
}

#[test]
fn the_kernel_is_told_what_each_flag_asks_for() {
    const QUOTA: &[&str] = &["cpu.cfs_quota_us", "cpu.max"];
    let host = host::shared();
    let shares = ["4096".to_owned(), "400".to_owned()];
    let memory = [(300_u64 << 20).to_string(), String::new()];
    let rows: [Row<'_>; 5] = [
        (&["--cpu-shares=2000"], &["cpu.shares", "cpu.weight"], shares),
        (&["--cpu-percent=25"], QUOTA, quota(processors() * 250)),
        (&["--cpu-count=1"], QUOTA, quota(1000)),
        (&["--cpus=0.5"], QUOTA, quota(500)),
        (&["--memory=300m"], &["memory.limit_in_bytes", "memory.max"], memory),
    ];
    for (flags, files, expected) in rows {
        let container = Container::run(&host, &[flags, &["-i"]].concat(), &[BASE, "cmd"]);
        let told = Cgroup::of(container.id()).read_any(files);
        assert!(expected.contains(&told), "{flags:?}: {told}, not {expected:?}");
    }
}

#[test]
fn a_drive_takes_no_more_than_its_bandwidth() {
    let host = host::shared();
    let flags = ["--io-maxbandwidth=4m", "--io-maxiops=5000", "-i", &probe::mount()];
    let container = Container::run(&host, &flags, &[BASE, "cmd"]);
    let group = Cgroup::of(container.id());
    let told = group.read_any(&["blkio.throttle.write_bps_device", "io.max"]);
    assert!(told.contains("4194304"), "{told}");
    let told = group.read_any(&["blkio.throttle.write_iops_device", "io.max"]);
    assert!(told.contains("5000"), "{told}");
    let output = container.exec(&[PROBE, "store", r"C:\stored.bin", "8"]).succeed();
    let took: u64 = output.text().parse().unwrap();
    assert!(took > 1000, "8 MiB at 4 MiB a second took {took} ms");
}
