//! The files of control groups: where the trees are, reading and writing them, devices.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::io_error;
use crate::error::ErrorKind;

/// Version 1 writes "no limit" as the largest number of whole pages.
const UNREACHABLE: u64 = 1 << 62;

/// Where this host has its control group trees.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// Version 1: by controller.
    pub(super) v1: BTreeMap<String, PathBuf>,
    /// Version 2.
    pub(super) v2: Option<PathBuf>,
}

impl Trees {
    pub(super) fn of_this_host() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// Reads `mountinfo`: `... root mount-point options ... - type source super-options`. A mount
    /// whose root is not the tree's shows only a part of it.
    fn parse(mountinfo: &str) -> Self {
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let left: Vec<_> = left.split(' ').collect();
            let right: Vec<_> = right.split(' ').collect();
            let (Some(point), [kind, _, options]) = (left.get(4), &right[..]) else { continue };
            match *kind {
                "cgroup2" => {
                    found.v2.get_or_insert_with(|| PathBuf::from(point));
                }
                "cgroup" => {
                    for controller in options.split(',').filter(|o| CONTROLLERS.contains(o)) {
                        found.v1.entry(controller.into()).or_insert_with(|| point.into());
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// The version 1 controllers that are used.
pub(super) const CONTROLLERS: [&str; 8] =
    ["cpu", "cpuacct", "cpuset", "memory", "freezer", "blkio", "pids", "devices"];

/// Reads a file whole, as text.
pub(super) fn read(path: &Path) -> Result<String, ErrorKind> {
    fs::read_to_string(path).map_err(|e| io_error("read", &path.display().to_string(), e))
}

/// Writes one value.
pub(super) fn write(path: &Path, value: &str) -> Result<(), ErrorKind> {
    fs::write(path, value)
        .map_err(|e| io_error(&format!("write {value:?} to"), &path.display().to_string(), e))
}

/// A file that holds one number.
pub(super) fn number(path: &Path) -> Result<u64, ErrorKind> {
    let text = read(path)?;
    Ok(text.trim().parse().unwrap_or(0))
}

/// A limit; there is none when a word stands there, or a number that no host reaches.
pub(super) fn limit(path: &Path) -> Option<u64> {
    let text = read(path).ok()?;
    text.trim().parse().ok().filter(|limit| *limit < UNREACHABLE)
}

/// The value of `key` in a file of `key value` lines; 0 when it is not there.
pub(super) fn value(text: &str, key: &str) -> u64 {
    let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.find(|(name, _)| *name == key).and_then(|(_, v)| v.trim().parse().ok()).unwrap_or(0)
}

/// Kills every process of a group, and says whether there was one; a group that is not there has none.
pub(super) fn kill_all(group: &Path) -> Result<bool, ErrorKind> {
    let path = group.join("cgroup.procs");
    let text = match fs::read_to_string(&path) {
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => {
            return Ok(false);
        }
        other => other.map_err(|e| io_error("read", &path.display().to_string(), e))?,
    };
    for pid in text.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
        match kill_process(pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(e) => return Err(io_error("kill", &pid.as_raw_nonzero().to_string(), e)),
        }
    }
    Ok(!text.is_empty())
}

/// The whole disk, `major:minor`, that holds a path: throttles know no partitions.
pub(super) fn device_of(path: &Path) -> Result<String, ErrorKind> {
    let stat =
        rustix::fs::stat(path).map_err(|e| io_error("look at", &path.display().to_string(), e))?;
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    let lacks = || ErrorKind::HostLacks {
        what: format!("{} is not on a disk that can be throttled", path.display()),
        mend: "put the scratch on a file system with a block device of its own, or ask for no QoS"
            .into(),
    };
    let node = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    if !node.exists() {
        return Err(lacks());
    }
    if !node.join("partition").exists() {
        return Ok(format!("{major}:{minor}"));
    }
    let disk = read(&node.join("../dev")).map_err(|_| lacks())?;
    Ok(disk.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_of_a_hybrid_host_are_all_found() {
        let text = "\
30 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
31 20 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 20 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
33 20 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        let trees = Trees::parse(text);
        assert_eq!(trees.v1["cpuacct"], Path::new("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(trees.v1.len(), 3);
        assert_eq!(trees.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
    }

    #[test]
    fn a_key_is_found_by_its_whole_name() {
        let text = "oom_kill_disable 0\noom_kill 3\n";
        assert_eq!(value(text, "oom_kill"), 3);
        assert_eq!(value(text, "oom"), 0);
    }
}
