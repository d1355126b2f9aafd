//! Control groups: where a silo's limits, statistics, freezing and last sweep happen.
//!
//! A host has version 2 in one tree, or version 1 with a tree per controller ([`v2`], [`v1`]); this
//! module picks the one that has the memory controller and offers one set of verbs. A silo's group
//! is `transom/<name>` in each tree. Groups are made before the silo and removed after it by its
//! silo host; a silo host that was killed leaves them to whoever next meets the id.

mod files;
mod oom;
mod v1;
mod v2;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schema::SystemId;
use schema::properties::Statistics;

pub(crate) use oom::OomWatch;

use super::plan::{IoLimit, Limits, ProcessorLimit};
use crate::error::ErrorKind;

/// How long a killed group may take to empty.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);

/// A silo's control groups.
#[derive(Debug)]
pub(crate) enum Cgroup {
    /// A tree per controller.
    V1(v1::Groups),
    /// One tree.
    V2(v2::Group),
}

/// The group's name below each tree. Two installations on one host keep apart by their state
/// directories.
pub(crate) fn name_of(id: &SystemId, state: &Path) -> PathBuf {
    let own = if state == Path::new("/run/transom") {
        id.to_string()
    } else {
        format!("{id}~{:08x}", fnv(state.as_os_str().as_encoded_bytes()))
    };
    Path::new("transom").join(own)
}

/// FNV-1a: short and the same in every build, which is all that a name needs.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Cgroup {
    /// Makes the groups and sets `limits`; nothing is left after an error.
    pub(crate) fn create(name: &Path, limits: &Limits, scratch: &Path) -> Result<Self, ErrorKind> {
        let group = Self::at(name)?;
        let made = group.make().and_then(|()| group.limit(limits, scratch));
        made.inspect_err(|_| {
            let _ = group.remove();
        })?;
        Ok(group)
    }

    /// The groups of that name, which may or may not exist.
    pub(crate) fn at(name: &Path) -> Result<Self, ErrorKind> {
        let mounts = files::Trees::of_this_host().map_err(|e| io_error("read", "mountinfo", e))?;
        if mounts.v1.contains_key("memory") {
            return v1::Groups::at(&mounts, name).map(Self::V1);
        }
        let tree = mounts.v2.ok_or_else(|| ErrorKind::HostLacks {
            what: "no cgroup tree with a memory controller is mounted".into(),
            mend: "mount cgroup2 at /sys/fs/cgroup, or the version 1 controllers below it".into(),
        })?;
        Ok(Self::V2(v2::Group::at(&tree, name)))
    }

    fn make(&self) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.make(),
            Self::V2(group) => group.make(),
        }
    }

    fn limit(&self, limits: &Limits, scratch: &Path) -> Result<(), ErrorKind> {
        self.limit_tasks(super::plan::MAX_TASKS)?;
        if let Some(memory) = limits.memory {
            self.limit_memory(Some(memory.bytes()))?;
        }
        if limits.processor != ProcessorLimit::None {
            self.limit_processor(limits.processor)?;
        }
        limits.io.map_or(Ok(()), |io| self.limit_io(io, scratch))
    }

    fn limit_tasks(&self, most: u32) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.write("pids", "pids.max", &most.to_string()),
            Self::V2(group) => group.write("pids.max", &most.to_string()),
        }
    }

    /// Lets a device of the host be opened. In version 2 no device is forbidden that is there.
    pub(crate) fn allow_device(&self, major: u32, minor: u32) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.allow_device(major, minor),
            Self::V2(_) => Ok(()),
        }
    }

    /// Limits memory, or lifts the limit.
    pub(crate) fn limit_memory(&self, bytes: Option<u64>) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.limit_memory(bytes),
            Self::V2(group) => group.limit_memory(bytes),
        }
    }

    /// Limits processor time, in the place of what was set before.
    pub(crate) fn limit_processor(&self, limit: ProcessorLimit) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.limit_processor(limit),
            Self::V2(group) => group.limit_processor(limit),
        }
    }

    fn limit_io(&self, limit: IoLimit, scratch: &Path) -> Result<(), ErrorKind> {
        let device = files::device_of(scratch)?;
        match self {
            Self::V1(groups) => groups.limit_io(limit, &device),
            Self::V2(group) => group.limit_io(limit, &device),
        }
    }

    /// Files that a process joins by writing `0` to.
    pub(crate) fn doors(&self) -> Result<Vec<File>, ErrorKind> {
        let open = |dir: PathBuf| {
            let path = dir.join("cgroup.procs");
            File::options()
                .write(true)
                .open(&path)
                .map_err(|e| io_error("open", &path.display().to_string(), e))
        };
        self.directories().into_iter().map(open).collect()
    }

    /// Stops or starts every process inside.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<(), ErrorKind> {
        match self {
            Self::V1(groups) => groups.freeze(frozen),
            Self::V2(group) => group.freeze(frozen),
        }
    }

    /// Watches for the memory limit being hit.
    pub(crate) fn watch_oom(&self) -> Result<OomWatch, ErrorKind> {
        match self {
            Self::V1(groups) => groups.watch_oom(),
            Self::V2(group) => group.watch_oom(),
        }
    }

    /// What has been used; times and start are the caller's to fill in.
    pub(crate) fn statistics(&self) -> Result<Statistics, ErrorKind> {
        match self {
            Self::V1(groups) => groups.statistics(),
            Self::V2(group) => group.statistics(),
        }
    }

    /// Kills everything inside, waits until it is gone, and removes the groups. Groups that do
    /// not exist are a success.
    pub(crate) fn sweep(&self) -> Result<(), ErrorKind> {
        let since = Instant::now();
        loop {
            // Frozen processes die only when thawed; a group may be half made.
            let _ = self.freeze(false);
            for dir in self.directories() {
                files::kill_all(&dir)?;
            }
            match self.remove() {
                Ok(()) => return Ok(()),
                Err(_) if since.elapsed() < EMPTY_WITHIN => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn remove(&self) -> Result<(), ErrorKind> {
        for dir in self.directories() {
            match std::fs::remove_dir(&dir) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("remove", &dir.display().to_string(), e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn directories(&self) -> Vec<PathBuf> {
        match self {
            Self::V1(groups) => groups.directories(),
            Self::V2(group) => vec![group.directory().to_owned()],
        }
    }
}

fn io_error(what: &str, path: &str, source: impl Into<io::Error>) -> ErrorKind {
    ErrorKind::io(format!("{what} {path}"), source)
}

/// A processor limit as a period's quota in microseconds; `None` is no quota.
fn quota(limit: ProcessorLimit) -> Option<u64> {
    let whole = u64::from(super::validate::processors()) * PERIOD;
    match limit {
        ProcessorLimit::None | ProcessorLimit::Weight(_) => None,
        ProcessorLimit::Count(count) => Some(u64::from(count) * PERIOD),
        // The kernel takes no quota below a millisecond.
        ProcessorLimit::Maximum(share) => Some((whole * u64::from(share) / 10_000).max(1_000)),
    }
}

/// The period that quotas are counted in, in microseconds.
const PERIOD: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_installations_never_share_a_group() {
        let id = SystemId::new("web").unwrap();
        let usual = name_of(&id, Path::new("/run/transom"));
        assert_eq!(usual, Path::new("transom/web"));
        let a = name_of(&id, Path::new("/tmp/a"));
        assert_ne!(a, name_of(&id, Path::new("/tmp/b")));
        assert_ne!(a, usual);
    }

    #[test]
    fn a_share_of_all_processors_becomes_a_quota_that_the_kernel_takes() {
        let all = u64::from(super::super::validate::processors()) * PERIOD;
        assert_eq!(quota(ProcessorLimit::Maximum(10_000)), Some(all));
        assert_eq!(quota(ProcessorLimit::Maximum(1)), Some(1_000.max(all / 10_000)));
        assert_eq!(quota(ProcessorLimit::Weight(7)), None);
    }
}
