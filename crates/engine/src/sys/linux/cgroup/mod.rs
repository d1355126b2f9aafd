//! Control groups: where a silo's limits, statistics, freezing and last sweep happen.
//!
//! A host has version 2 in one tree, or version 1 with a tree per controller ([`v2`], [`v1`]); this
//! module picks the one that has the memory controller and offers one set of verbs. A silo's group
//! is `transom/<name>` in each tree, or where its document wants it ([`place`]). Groups are made
//! before the silo and removed after it by its silo host; a silo host that was killed leaves them to
//! whoever next meets the id.

mod files;
mod gathering;
mod oom;
mod place;
mod v1;
mod v2;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schema::SystemId;
use schema::properties::Statistics;

pub(crate) use gathering::Gathering;
pub(crate) use oom::OomWatch;
pub(crate) use place::asked;

use self::place::Made;
use super::plan::{IoLimit, Limits, ProcessorLimit};
use crate::error::ErrorKind;

/// How long a killed group may take to empty.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);
/// How long an empty one may take to be removed: the last process is out of it before it has gone.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// A silo's control groups.
#[derive(Debug)]
pub(crate) struct Cgroup {
    version: Version,
    made: Made,
}

#[derive(Debug)]
enum Version {
    /// A tree per controller.
    V1(v1::Groups),
    /// One tree.
    V2(v2::Group),
}

/// Where a silo's groups are to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Where the engine would have them.
    pub(crate) own: &'a Path,
    /// Where the document wants them.
    pub(crate) asked: Option<&'a Path>,
    /// The silo's directory.
    pub(crate) silo: &'a Path,
}

/// The group's name below each tree. Two installations on one host keep apart by their state
/// directories.
pub(crate) fn name_of(id: &SystemId, state: &Path) -> PathBuf {
    let own = if state == Path::new("/run/transom") {
        id.to_string()
    } else {
        format!("{id}~{:08x}", fnv(state.as_os_str().as_encoded_bytes()))
    };
    Path::new(place::OWN).join(own)
}

/// FNV-1a: short and the same in every build, which is all that a name needs.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Cgroup {
    /// Makes the groups and sets `limits`; nothing is left after an error.
    pub(crate) fn create(
        wanted: Wanted<'_>,
        limits: &Limits,
        scratch: &Path,
    ) -> Result<Self, ErrorKind> {
        let mut group = Self::at(wanted.asked.unwrap_or(wanted.own))?;
        if let Some(asked) = wanted.asked {
            asked.clone_into(&mut group.made.path);
        }
        group.make()?;
        let ready = if wanted.asked.is_some() { group.made.record(wanted.silo) } else { Ok(()) };
        let ready = ready.and_then(|()| group.limit(limits, scratch));
        ready.inspect_err(|_| {
            let _ = group.remove();
        })?;
        Ok(group)
    }

    /// The groups of that name, which may or may not exist.
    pub(crate) fn at(name: &Path) -> Result<Self, ErrorKind> {
        let version = Version::at(name)?;
        Ok(Self { version, made: Made::default() })
    }

    /// Sweeps what a silo has left: where the engine would have had its groups, and where its directory
    /// tells that they were.
    pub(crate) fn sweep_left(own: &Path, silo: &Path) -> Result<(), ErrorKind> {
        if let Some(made) = Made::recorded(silo)? {
            Self { version: Version::at(&made.path)?, made }.sweep()?;
            Self::forget(silo)?;
        }
        Self::at(own)?.sweep()
    }

    /// Its groups have gone: the silo's directory, which may have to stay, tells of them no more.
    pub(crate) fn forget(silo: &Path) -> Result<(), ErrorKind> {
        Made::forget(silo)
    }

    /// Makes all of them or none.
    fn make(&mut self) -> Result<(), ErrorKind> {
        let mut groups = Vec::new();
        let made = match &self.version {
            Version::V1(all) => all.make(&mut self.made, &mut groups),
            Version::V2(group) => group.make(&mut self.made, &mut groups),
        };
        made.inspect_err(|_| {
            for group in &groups {
                let _ = std::fs::remove_dir(group);
            }
            self.made.clear_way();
        })
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
        match &self.version {
            Version::V1(groups) => groups.write("pids", "pids.max", &most.to_string()),
            Version::V2(group) => group.write("pids.max", &most.to_string()),
        }
    }

    /// Lets a device of the host be opened. In version 2 no device is forbidden that is there.
    pub(crate) fn allow_device(&self, major: u32, minor: u32) -> Result<(), ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.allow_device(major, minor),
            Version::V2(_) => Ok(()),
        }
    }

    /// Limits memory, or lifts the limit.
    pub(crate) fn limit_memory(&self, bytes: Option<u64>) -> Result<(), ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.limit_memory(bytes),
            Version::V2(group) => group.limit_memory(bytes),
        }
    }

    /// Limits processor time, in the place of what was set before.
    pub(crate) fn limit_processor(&self, limit: ProcessorLimit) -> Result<(), ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.limit_processor(limit),
            Version::V2(group) => group.limit_processor(limit),
        }
    }

    fn limit_io(&self, limit: IoLimit, scratch: &Path) -> Result<(), ErrorKind> {
        let device = files::device_of(scratch)?;
        match &self.version {
            Version::V1(groups) => groups.limit_io(limit, &device),
            Version::V2(group) => group.limit_io(limit, &device),
        }
    }

    /// Files that a process of one thread joins by writing `0` to. In version 1 it joins as a thread:
    /// for whole processes the kernel waits until no other one is starting or ending anywhere.
    pub(crate) fn doors(&self) -> Result<Vec<File>, ErrorKind> {
        let name = match &self.version {
            Version::V1(_) => "tasks",
            Version::V2(_) => "cgroup.procs",
        };
        let open = |dir: PathBuf| {
            let path = dir.join(name);
            File::options()
                .write(true)
                .open(&path)
                .map_err(|e| io_error("open", &path.display().to_string(), e))
        };
        self.directories().into_iter().map(open).collect()
    }

    /// Stops or starts every process inside.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<(), ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.freeze(frozen),
            Version::V2(group) => group.freeze(frozen),
        }
    }

    /// Watches for the memory limit being hit.
    pub(crate) fn watch_oom(&self) -> Result<OomWatch, ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.watch_oom(),
            Version::V2(group) => group.watch_oom(),
        }
    }

    /// What has been used; times and start are the caller's to fill in.
    pub(crate) fn statistics(&self) -> Result<Statistics, ErrorKind> {
        match &self.version {
            Version::V1(groups) => groups.statistics(),
            Version::V2(group) => group.statistics(),
        }
    }

    /// Kills everything inside, waits until it is gone, and removes the groups. Groups that do
    /// not exist are a success.
    pub(crate) fn sweep(&self) -> Result<(), ErrorKind> {
        let since = Instant::now();
        let mut lived = since;
        loop {
            // Frozen processes die only when thawed; a group may be half made.
            let _ = self.freeze(false);
            for dir in self.directories() {
                if files::kill_all(&dir)? {
                    lived = Instant::now();
                }
            }
            match self.remove() {
                Ok(()) => return Ok(()),
                // Nobody is left in it: what is in the way are groups that somebody else made there.
                Err(error) if lived.elapsed() > GONE_WITHIN => return Err(error),
                Err(error) if since.elapsed() > EMPTY_WITHIN => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
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
        self.made.clear_way();
        Ok(())
    }

    fn directories(&self) -> Vec<PathBuf> {
        match &self.version {
            Version::V1(groups) => groups.directories(),
            Version::V2(group) => vec![group.directory().to_owned()],
        }
    }
}

impl Version {
    fn at(name: &Path) -> Result<Self, ErrorKind> {
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
