//! Version 1: a tree per controller.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schema::properties::{
    ControlGroupStats, MemoryStats, ProcessorStats, Statistics, StorageStats,
};

use super::files::{self, Trees, limit, number, read, value};
use super::oom::OomWatch;
use super::place::Made;
use super::{PERIOD, io_error, quota};
use crate::error::ErrorKind;
use crate::sys::plan::{IoLimit, ProcessorLimit};

/// A silo's group in each tree.
#[derive(Debug)]
pub(crate) struct Groups {
    by_controller: BTreeMap<String, PathBuf>,
    /// How deep they are below their trees.
    levels: usize,
}

/// Without these a silo would not be bounded or could not be counted.
const NEEDED: [&str; 5] = ["memory", "cpu", "cpuacct", "freezer", "pids"];

/// What a container may open beside ordinary files, terminals included.
/// Nodes may be made, for pid 1 makes these; the container itself lacks the power to.
const DEVICES: [&str; 10] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rw",
    "c 1:5 rw",
    "c 1:7 rw",
    "c 1:8 rw",
    "c 1:9 rw",
    "c 5:0 rw",
    "c 5:2 rw",
    "c 136:* rw",
];

/// A group below the engine's own folder.
fn make_own(dir: &Path) -> Result<(), ErrorKind> {
    let parent = dir.parent().expect("a group is below `transom`");
    match fs::create_dir(parent) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io_error("make", &parent.display().to_string(), e));
        }
        _ => {}
    }
    fs::create_dir(dir).map_err(|e| io_error("make", &dir.display().to_string(), e))
}

impl Groups {
    pub(super) fn at(trees: &Trees, name: &Path) -> Result<Self, ErrorKind> {
        if let Some(missing) = NEEDED.iter().find(|needed| !trees.v1.contains_key(**needed)) {
            return Err(ErrorKind::HostLacks {
                what: format!("the cgroup controller `{missing}` is not mounted"),
                mend: format!("mount -t cgroup -o {missing} cgroup /sys/fs/cgroup/{missing}"),
            });
        }
        let by_controller =
            trees.v1.iter().map(|(name_of, tree)| (name_of.clone(), tree.join(name))).collect();
        Ok(Self { by_controller, levels: name.components().count() })
    }

    pub(super) fn directories(&self) -> Vec<PathBuf> {
        // Controllers may share a tree.
        let all: BTreeSet<_> = self.by_controller.values().cloned().collect();
        all.into_iter().collect()
    }

    /// Makes them; `groups` are those that were made, also when not all of them could be.
    pub(super) fn make(&self, made: &mut Made, groups: &mut Vec<PathBuf>) -> Result<(), ErrorKind> {
        for dir in self.directories() {
            if made.path.as_os_str().is_empty() {
                make_own(&dir)?;
            } else {
                made.make(&dir, |_| Ok(()))?;
            }
            groups.push(dir);
        }
        self.fill_cpuset()?;
        self.allow_devices()
    }

    /// A new cpuset is empty, and nothing can join it, until it is told what its parent has.
    fn fill_cpuset(&self) -> Result<(), ErrorKind> {
        let Some(dir) = self.by_controller.get("cpuset") else { return Ok(()) };
        let mut chain: Vec<&Path> = dir.ancestors().take(self.levels + 1).collect();
        chain.reverse();
        for file in ["cpuset.cpus", "cpuset.mems"] {
            for pair in chain.windows(2) {
                let (from, to) = (pair[0].join(file), pair[1].join(file));
                if read(&to)?.trim().is_empty() {
                    files::write(&to, read(&from)?.trim())?;
                }
            }
        }
        Ok(())
    }

    /// The directory with the processors, where they are mounted.
    pub(super) fn cpuset(&self) -> Option<&Path> {
        self.by_controller.get("cpuset").map(PathBuf::as_path)
    }

    fn allow_devices(&self) -> Result<(), ErrorKind> {
        if !self.by_controller.contains_key("devices") {
            return Ok(());
        }
        self.write("devices", "devices.deny", "a")?;
        DEVICES.iter().try_for_each(|device| self.write("devices", "devices.allow", device))
    }

    /// Lets a device of the host be opened too.
    pub(super) fn allow_device(&self, major: u32, minor: u32) -> Result<(), ErrorKind> {
        if !self.by_controller.contains_key("devices") {
            return Ok(());
        }
        self.write("devices", "devices.allow", &format!("c {major}:{minor} rw"))
    }

    pub(super) fn write(&self, controller: &str, file: &str, value: &str) -> Result<(), ErrorKind> {
        files::write(&self.path(controller, file)?, value)
    }

    fn path(&self, controller: &str, file: &str) -> Result<PathBuf, ErrorKind> {
        let dir = self.by_controller.get(controller).ok_or_else(|| ErrorKind::HostLacks {
            what: format!("the cgroup controller `{controller}` is not mounted"),
            mend: format!("mount -t cgroup -o {controller} cgroup /sys/fs/cgroup/{controller}"),
        })?;
        Ok(dir.join(file))
    }

    /// Memory, and memory with swap where the kernel counts swap: the same, so that a limit is
    /// one. Of the two the larger must be raised first.
    pub(super) fn limit_memory(&self, bytes: Option<u64>) -> Result<(), ErrorKind> {
        let text = bytes.map_or("-1".to_owned(), |bytes| bytes.to_string());
        let plain = self.path("memory", "memory.limit_in_bytes")?;
        let with_swap = self.path("memory", "memory.memsw.limit_in_bytes")?;
        let now = number(&plain)?;
        let raises = bytes.is_none_or(|bytes| bytes > now);
        let mut order = vec![plain, with_swap.clone()];
        if raises {
            order.reverse();
        }
        order.retain(|path| *path != with_swap || path.exists());
        order.iter().try_for_each(|path| files::write(path, &text))
    }

    pub(super) fn limit_processor(&self, limit: ProcessorLimit) -> Result<(), ErrorKind> {
        let quota = quota(limit).map_or("-1".to_owned(), |quota| quota.to_string());
        self.write("cpu", "cpu.cfs_period_us", &PERIOD.to_string())?;
        self.write("cpu", "cpu.cfs_quota_us", &quota)?;
        let weight = if let ProcessorLimit::Weight(weight) = limit { weight } else { 500 };
        // The usual weights of Windows and Linux, 500 and 1024, meet.
        let shares = (u64::from(weight) * 1024 / 500).max(2);
        self.write("cpu", "cpu.shares", &shares.to_string())
    }

    /// Version 1 throttles what reaches the device in the process' name: reads and direct writes.
    pub(super) fn limit_io(&self, limit: IoLimit, device: &str) -> Result<(), ErrorKind> {
        for (file, most) in [
            ("blkio.throttle.read_bps_device", limit.bytes),
            ("blkio.throttle.write_bps_device", limit.bytes),
            ("blkio.throttle.read_iops_device", limit.operations),
            ("blkio.throttle.write_iops_device", limit.operations),
        ] {
            if most > 0 {
                self.write("blkio", file, &format!("{device} {most}"))?;
            }
        }
        Ok(())
    }

    pub(super) fn freeze(&self, frozen: bool) -> Result<(), ErrorKind> {
        let path = self.path("freezer", "freezer.state")?;
        let wanted = if frozen { "FROZEN" } else { "THAWED" };
        // `FREEZING` may last while a process is inside the kernel; writing again tries again.
        for _ in 0..500 {
            files::write(&path, wanted)?;
            if read(&path)?.trim() == wanted {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Err(ErrorKind::TimedOut {
            what: "freezing every process",
            after: std::time::Duration::from_secs(1),
        })
    }

    pub(super) fn watch_oom(&self) -> Result<OomWatch, ErrorKind> {
        OomWatch::v1(&self.path("memory", "")?)
    }

    pub(super) fn statistics(&self) -> Result<Statistics, ErrorKind> {
        Ok(Statistics {
            processor: self.processor_statistics()?,
            memory: self.memory_statistics()?,
            storage: self.storage_statistics(),
            control_group: Some(self.own_statistics()?),
            ..Statistics::default()
        })
    }

    fn own_statistics(&self) -> Result<ControlGroupStats, ErrorKind> {
        let stat = read(&self.path("memory", "memory.stat")?)?;
        Ok(ControlGroupStats {
            unified: false,
            memory_limit_bytes: limit(&self.path("memory", "memory.limit_in_bytes")?),
            inactive_file_bytes: value(&stat, "total_inactive_file"),
            active_file_bytes: value(&stat, "total_active_file"),
            page_faults: value(&stat, "total_pgfault"),
            major_page_faults: value(&stat, "total_pgmajfault"),
            tasks: number(&self.path("pids", "pids.current")?)?,
            tasks_limit: limit(&self.path("pids", "pids.max")?),
        })
    }

    fn processor_statistics(&self) -> Result<ProcessorStats, ErrorKind> {
        let ticks = read(&self.path("cpuacct", "cpuacct.stat")?)?;
        // USER_HZ, which is 100 on every architecture that Wine runs on.
        let in_100ns = |key| value(&ticks, key) * 100_000;
        Ok(ProcessorStats {
            total_runtime_100ns: number(&self.path("cpuacct", "cpuacct.usage")?)? / 100,
            runtime_user_100ns: in_100ns("user"),
            runtime_kernel_100ns: in_100ns("system"),
        })
    }

    fn memory_statistics(&self) -> Result<MemoryStats, ErrorKind> {
        let stat = read(&self.path("memory", "memory.stat")?)?;
        Ok(MemoryStats {
            memory_usage_commit_bytes: number(&self.path("memory", "memory.usage_in_bytes")?)?,
            memory_usage_commit_peak_bytes: number(
                &self.path("memory", "memory.max_usage_in_bytes")?,
            )?,
            memory_usage_private_working_set_bytes: value(&stat, "rss"),
        })
    }

    /// Nothing where the kernel does not count: the controller is optional.
    fn storage_statistics(&self) -> StorageStats {
        let total = |file: &str, kind: &str| {
            let text = self.path("blkio", file).and_then(|path| read(&path)).unwrap_or_default();
            let rows = text.lines().filter_map(|line| {
                let mut words = line.split(' ');
                let (_, found, count) = (words.next()?, words.next()?, words.next()?);
                (found == kind).then(|| count.parse::<u64>().ok()).flatten()
            });
            rows.sum()
        };
        StorageStats {
            read_count_normalized: total("blkio.throttle.io_serviced", "Read"),
            read_size_bytes: total("blkio.throttle.io_service_bytes", "Read"),
            write_count_normalized: total("blkio.throttle.io_serviced", "Write"),
            write_size_bytes: total("blkio.throttle.io_service_bytes", "Write"),
        }
    }
}
