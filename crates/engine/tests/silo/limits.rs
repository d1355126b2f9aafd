//! What takes too much stays inside its limits, and is told of.

use std::time::Duration;

use engine::{Engine, System, SystemEvent};
use schema::container::{Memory, Processor, StorageQos};
use schema::modify::{ModifyRequest, RequestType, paths};
use schema::properties::PropertyType;
use serde_json::json;

use crate::host::{Host, command};
use crate::subject::{Running, need_host};

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_hog_is_ended_and_told_of() {
    need_host!();
    let silo = Running::start("hog", |container| {
        container.memory = Some(Memory { size_in_mb: 256 });
    })
    .await;
    let mut events = silo.system.events().await.unwrap();
    let outcome = silo.run(r"C:\probe.exe hog").await;
    assert_eq!(outcome.code, 0xC000_012D, "STATUS_COMMITMENT_LIMIT");
    let told = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
    assert_eq!(told.unwrap(), Some(SystemEvent::OutOfMemory));
    let query = [PropertyType::Statistics];
    let used = silo.system.properties(&query).await.unwrap().statistics.unwrap().memory;
    assert!(used.memory_usage_commit_peak_bytes <= 256 << 20, "{used:?}");
    assert_eq!(silo.run("cmd /c exit 5").await.code, 5, "the rest lives on");
    silo.system.terminate().await.unwrap();
    assert!(silo.system.wait().await.out_of_memory);
    silo.host.release(&silo.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_ends_at_the_limit() {
    need_host!();
    let silo = Running::start("forks", |_| {}).await;
    let made = silo.number("fork", "forked").await;
    assert!(made > 100 && made < 4096, "{made} were made");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_filler_stays_inside_a_sized_scratch() {
    need_host!();
    let silo = Running::start_in(Host::new(), "filler", Some(64 << 20), |_| {}).await;
    let text = silo.probe(r"fill C:\big").await;
    let written = crate::subject::value(&text, "written");
    assert!(written > 20 << 20 && written < 64 << 20, "{text}");
    silo.run(r"cmd /c del C:\big").await;
    let elsewhere = silo.probe(r"fill \\?\unix\wine\big").await;
    assert!(crate::subject::value(&elsewhere, "written") < 64 << 20, "{elsewhere}");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sized_scratch_keeps_what_was_written_from_run_to_run() {
    need_host!();
    let mut silo = Running::start_in(Host::new(), "again", Some(64 << 20), |_| {}).await;
    silo.run(r"cmd /c echo kept> C:\kept.txt").await;
    silo.system.shutdown().await.unwrap();
    silo.system.wait().await;
    for _ in 0..3 {
        let document = silo.host.container(&silo.id, None, |_| {}).await;
        silo.system = silo.host.engine.create(&silo.id, &document).await.unwrap();
        silo.system.start().await.unwrap();
        assert_eq!(silo.run(r"cmd /c type C:\kept.txt").await.out.trim(), "kept");
        silo.system.terminate().await.unwrap();
    }
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_reach_the_kernel_and_can_be_changed_while_it_runs() {
    need_host!();
    let silo = Running::start("limits", |container| {
        container.memory = Some(Memory { size_in_mb: 512 });
        container.processor = Some(Processor { maximum: 5000, ..Processor::default() });
        container.storage.qos = Some(StorageQos { iops_maximum: 500, bandwidth_maximum: 10 << 20 });
    })
    .await;
    let group = silo.group();
    let memory = || kernel_number(&group, "memory", "memory.limit_in_bytes", "memory.max");
    assert_eq!(memory(), 512 << 20);
    let modify = |path: &str, settings| ModifyRequest {
        resource_path: path.into(),
        request_type: Some(RequestType::Update),
        settings,
        guest_request: None,
    };
    for size in [1024, 256] {
        silo.system.modify(&modify(paths::MEMORY, json!(size))).await.unwrap();
        assert_eq!(memory(), size << 20);
    }
    let weight = json!({ "Weight": 1000 });
    silo.system.modify(&modify(paths::PROCESSOR, weight)).await.unwrap();
    let both = json!({ "Weight": 1000, "Maximum": 10 });
    silo.system.modify(&modify(paths::PROCESSOR, both)).await.unwrap_err();
    silo.system.modify(&modify(paths::MEMORY, json!("much"))).await.unwrap_err();
    silo.system.modify(&modify("Container/Devices/Generic", json!({}))).await.unwrap_err();
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_processors_is_all_that_it_gets() {
    need_host!();
    let silo = Running::start("share", |container| {
        container.processor = Some(Processor { maximum: 1000, ..Processor::default() });
    })
    .await;
    let busy = "cmd /c for /l %i in (1,0,2) do @rem";
    let spinning = [
        silo.system.spawn(&command(busy)).await.unwrap(),
        silo.system.spawn(&command(busy)).await.unwrap(),
    ];
    let query = [PropertyType::Statistics];
    let used = || async {
        let statistics = silo.system.properties(&query).await.unwrap().statistics.unwrap();
        statistics.processor.total_runtime_100ns
    };
    let (before, since) = (used().await, std::time::Instant::now());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let spent = u128::from(used().await - before) * 100;
    let processors = std::thread::available_parallelism().unwrap().get() as u128;
    let share = spent * 100 / (since.elapsed().as_nanos() * processors);
    assert!((2..=15).contains(&share), "a tenth was given, {share} % were taken");
    drop(spinning);
    silo.end().await;
}

/// Reads, since version 1 of control groups holds back what is written only when it is written
/// past the cache.
#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_disk_is_read_no_faster_than_was_asked() {
    need_host!();
    let host = Host::new();
    let Some(disk) = Disk::mount(&host.folder("image"), host.folder("scratch")) else { return };
    let silo = Running::start_in(host, "throttled", None, |container| {
        container.storage.qos = Some(StorageQos { iops_maximum: 0, bandwidth_maximum: 1 << 20 });
    })
    .await;
    let made = silo.probe(r"fill C:\big 6").await;
    assert_eq!(crate::subject::value(&made, "written"), 6 << 20, "{made}");
    forget(&silo.host.scratch(&silo.id).join("upper/big"));
    let since = std::time::Instant::now();
    assert_eq!(silo.run(r"cmd /c copy /b C:\big NUL").await.code, 0);
    let took = since.elapsed();
    // Wine reads all of it; a burst may go through at once.
    assert!(took > Duration::from_secs(3), "6 MiB at 1 MiB a second were read within {took:?}");
    let query = [PropertyType::Statistics];
    let used = silo.system.properties(&query).await.unwrap().statistics.unwrap().storage;
    assert!(used.read_size_bytes >= 6 << 20, "{used:?}");
    silo.system.terminate().await.unwrap();
    silo.host.release(&silo.id).await;
    drop(disk);
}

/// A small file system with a block device of its own.
struct Disk(std::path::PathBuf);

impl Disk {
    /// Nothing, with the reason printed, where loop devices or throttles are lacking.
    fn mount(folder: &std::path::Path, at: std::path::PathBuf) -> Option<Self> {
        let image = folder.join("disk.img");
        std::fs::File::create(&image).and_then(|file| file.set_len(256 << 20)).unwrap();
        let run = |line: &mut std::process::Command| line.status().is_ok_and(|it| it.success());
        let throttles =
            ["/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device", "/sys/fs/cgroup/io.stat"];
        let can = throttles.iter().any(|file| std::path::Path::new(file).exists());
        let made = can
            && run(std::process::Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))
            && run(std::process::Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at));
        if !made {
            eprintln!("skipped: this host has no loop devices, or does not throttle disks");
        }
        made.then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Has a file on its disk alone, and nothing of it in memory.
fn forget(file: &std::path::Path) {
    let file = std::fs::File::open(file).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

impl Running {
    /// The name of its control groups.
    fn group(&self) -> String {
        let base = std::path::Path::new("/sys/fs/cgroup");
        let found = [base.join("memory/transom"), base.join("transom")];
        let dirs = found.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten();
        let mut names = dirs.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let wanted = format!("{}~", self.id);
        names.find(|name| name.starts_with(&wanted)).expect("it has a group")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silo_starts_on_one_processor_and_its_programs_are_told_of_all() {
    need_host!();
    let silo = Running::start("gathered", |_| {}).await;
    let group = silo.group();
    let may =
        |text: &str| (crate::subject::value(text, "windows"), crate::subject::value(text, "linux"));
    // A host without cpusets has nothing to gather with.
    if let Some(now) = kernel_text(&group, "cpuset", "cpuset.cpus", "cpuset.cpus") {
        now.parse::<u32>().expect("before its first program it is on one");
    }
    let (told, _) = may(&silo.probe("processors").await);
    let since = std::time::Instant::now();
    while may(&silo.probe("processors").await).1 != told {
        assert!(since.elapsed() < Duration::from_mins(1), "it is never let go");
    }
    let mine = rustix::thread::sched_getaffinity(None).unwrap();
    let all = (0..64).filter(|number| mine.is_set(*number)).count();
    assert_eq!(told.count_ones() as usize, all, "Windows tells of all from the beginning");
    silo.end().await;
}

/// A number that the kernel holds, by its name in either version.
fn kernel_number(group: &str, controller: &str, v1: &str, v2: &str) -> u64 {
    kernel_text(group, controller, v1, v2).unwrap().parse().unwrap()
}

/// What a file of its group says, where there is one.
fn kernel_text(group: &str, controller: &str, v1: &str, v2: &str) -> Option<String> {
    let base = std::path::Path::new("/sys/fs/cgroup");
    let one = base.join(controller).join("transom").join(group).join(v1);
    let two = base.join("transom").join(group).join(v2);
    let text = std::fs::read_to_string(one).or_else(|_| std::fs::read_to_string(two)).ok()?;
    Some(text.trim().to_owned())
}
