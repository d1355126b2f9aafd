//! A container's control groups, as the kernel shows them from outside: version 1 or 2.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::wait;

/// A running container's groups.
pub(crate) struct Cgroup {
    folders: Vec<PathBuf>,
}

impl Cgroup {
    /// The groups of the container that has this id.
    pub(crate) fn of(id: &str) -> Self {
        let mut folders = Vec::new();
        find(Path::new("/sys/fs/cgroup"), id, 4, &mut folders);
        assert!(!folders.is_empty(), "{id} has no control group");
        Self { folders }
    }

    /// The groups at this path below each tree.
    pub(crate) fn at(path: &str) -> Self {
        let folders = trees().into_iter().map(|tree| tree.join(path.trim_start_matches('/')));
        let folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
        assert!(!folders.is_empty(), "there is no control group {path}");
        Self { folders }
    }

    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// What one of the groups has in a file of this name.
    pub(crate) fn read(&self, file: &str) -> Option<String> {
        let texts = self.folders.iter().map(|folder| fs::read_to_string(folder.join(file)));
        texts.flatten().next().map(|text| text.trim().to_owned())
    }

    /// The first of these files that is there: their names differ between the versions.
    pub(crate) fn read_any(&self, files: &[&str]) -> String {
        let mut found = files.iter().filter_map(|file| self.read(file));
        found.next().unwrap_or_else(|| panic!("none of {files:?} is in {:?}", self.folders))
    }

    /// The value behind a key in `cpu.stat`.
    pub(crate) fn cpu_stat(&self, key: &str) -> Option<u64> {
        let text = self.read("cpu.stat")?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(name, _)| *name == key).and_then(|(_, value)| value.parse().ok())
    }

    /// Processor time that everything inside has had.
    pub(crate) fn time(&self) -> Duration {
        if let Some(nanoseconds) = self.read("cpuacct.usage").and_then(|text| text.parse().ok()) {
            return Duration::from_nanos(nanoseconds);
        }
        Duration::from_micros(self.cpu_stat("usage_usec").expect("version 2 counts it"))
    }

    /// Lets every thread inside run on one processor of the host only: the same for all callers.
    /// A silo that has just started may be on another one, and be kept there for a moment.
    pub(crate) fn pin(&self) {
        let mut one = CpuSet::new();
        one.set(*processors().first().expect("this thread runs somewhere"));
        wait::until("a silo that may use every processor", || {
            let set = self.threads().map(|thread| sched_setaffinity(Some(thread), &one));
            // A thread may end at any time.
            let refused = set.filter(|set| set.is_err_and(|error| error != Errno::SRCH)).count();
            (refused == 0).then_some(())
        });
    }

    /// The different processors that threads of this program may run on.
    pub(crate) fn processors_of(&self, program: &str) -> Vec<Vec<usize>> {
        let sets = self.threads().filter_map(|thread| {
            let name = fs::read_to_string(format!("/proc/{thread}/comm")).ok()?;
            (name.trim() == program).then(|| sched_getaffinity(Some(thread)).ok())?
        });
        sets.map(|set| numbers(&set)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn threads(&self) -> impl Iterator<Item = Pid> {
        let pids = self.read("cgroup.procs").unwrap_or_default();
        let folders = pids.lines().map(|pid| fs::read_dir(format!("/proc/{pid}/task")));
        let entries: Vec<_> = folders.flatten().flatten().flatten().collect();
        let numbers = entries.into_iter().map(|entry| entry.file_name());
        numbers.filter_map(|number| Pid::from_raw(number.to_str()?.parse().ok()?))
    }
}

/// Those that this thread may run on.
pub(crate) fn processors() -> Vec<usize> {
    numbers(&sched_getaffinity(None).expect("the kernel knows this thread"))
}

/// How many a list in the kernel's form names: `0-3,8`.
pub(crate) fn count(list: &str) -> usize {
    let number = |text: &str| text.parse::<usize>().expect("the kernel writes numbers");
    let part = |part: &str| match part.split_once('-') {
        Some((from, to)) => number(to) + 1 - number(from),
        None => 1,
    };
    list.split(',').filter(|part| !part.is_empty()).map(part).sum()
}

fn numbers(set: &CpuSet) -> Vec<usize> {
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

/// Where control groups are: all in one tree, or in a tree for each controller.
pub(crate) fn trees() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    if root.join("cgroup.procs").exists() {
        return vec![root.to_owned()];
    }
    let below = fs::read_dir(root).into_iter().flatten().flatten();
    let trees = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    trees.map(|entry| entry.path()).collect()
}

/// Groups may share a tree, or have one each.
fn find(folder: &Path, id: &str, deep: u32, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(id) {
            found.push(path);
        } else if deep > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&path, id, deep - 1, found);
        }
    }
}
