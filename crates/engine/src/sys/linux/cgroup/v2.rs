//! Version 2: one tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schema::properties::{
    ControlGroupStats, MemoryStats, ProcessorStats, Statistics, StorageStats,
};

use super::files::{self, limit, number, read, value};
use super::oom::OomWatch;
use super::place::Made;
use super::{PERIOD, io_error, quota};
use crate::error::ErrorKind;
use crate::sys::plan::{IoLimit, ProcessorLimit};

/// A silo's group.
#[derive(Debug)]
pub(crate) struct Group {
    dir: PathBuf,
}

impl Group {
    pub(super) fn at(tree: &Path, name: &Path) -> Self {
        Self { dir: tree.join(name) }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.dir
    }

    /// Makes it; `groups` has it once it is made.
    pub(super) fn make(&self, made: &mut Made, groups: &mut Vec<PathBuf>) -> Result<(), ErrorKind> {
        if made.path.as_os_str().is_empty() {
            self.make_own()?;
        } else {
            made.make(&self.dir, |folder| delegate(folder, &NEEDED))?;
        }
        groups.push(self.dir.clone());
        Ok(())
    }

    /// Below the engine's own folder.
    fn make_own(&self) -> Result<(), ErrorKind> {
        let parent = self.dir.parent().expect("a group is below `transom`");
        let root = parent.parent().expect("`transom` is below the tree's root");
        delegate(root, &NEEDED)?;
        match fs::create_dir(parent) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error("make", &parent.display().to_string(), e));
            }
            _ => delegate(parent, &NEEDED)?,
        }
        fs::create_dir(&self.dir).map_err(|e| io_error("make", &self.dir.display().to_string(), e))
    }

    pub(super) fn write(&self, file: &str, value: &str) -> Result<(), ErrorKind> {
        files::write(&self.dir.join(file), value)
    }

    pub(super) fn limit_memory(&self, bytes: Option<u64>) -> Result<(), ErrorKind> {
        self.write("memory.max", &bytes.map_or("max".to_owned(), |bytes| bytes.to_string()))?;
        // Without swap accounting the file is not there, and there is nothing to limit.
        if self.dir.join("memory.swap.max").exists() {
            self.write("memory.swap.max", if bytes.is_some() { "0" } else { "max" })?;
        }
        Ok(())
    }

    pub(super) fn limit_processor(&self, limit: ProcessorLimit) -> Result<(), ErrorKind> {
        let quota = quota(limit).map_or("max".to_owned(), |quota| quota.to_string());
        self.write("cpu.max", &format!("{quota} {PERIOD}"))?;
        let weight = if let ProcessorLimit::Weight(weight) = limit { weight } else { 500 };
        // The usual weights of Windows and Linux, 500 and 100, meet.
        self.write("cpu.weight", &(weight / 5).max(1).to_string())
    }

    pub(super) fn limit_io(&self, limit: IoLimit, device: &str) -> Result<(), ErrorKind> {
        let word = |most: u64| if most == 0 { "max".to_owned() } else { most.to_string() };
        let (bytes, operations) = (word(limit.bytes), word(limit.operations));
        let line =
            format!("{device} rbps={bytes} wbps={bytes} riops={operations} wiops={operations}");
        self.write("io.max", &line)
    }

    pub(super) fn freeze(&self, frozen: bool) -> Result<(), ErrorKind> {
        self.write("cgroup.freeze", if frozen { "1" } else { "0" })?;
        for _ in 0..500 {
            if value(&read(&self.dir.join("cgroup.events"))?, "frozen") == u64::from(frozen) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(ErrorKind::TimedOut { what: "freezing every process", after: Duration::from_secs(1) })
    }

    pub(super) fn watch_oom(&self) -> Result<OomWatch, ErrorKind> {
        OomWatch::v2(&self.dir)
    }

    pub(super) fn statistics(&self) -> Result<Statistics, ErrorKind> {
        let cpu = read(&self.dir.join("cpu.stat"))?;
        let memory = read(&self.dir.join("memory.stat"))?;
        let now = number(&self.dir.join("memory.current"))?;
        // `memory.peak` is newer than version 2 itself.
        let peak = number(&self.dir.join("memory.peak")).unwrap_or(now);
        Ok(Statistics {
            processor: ProcessorStats {
                total_runtime_100ns: value(&cpu, "usage_usec") * 10,
                runtime_user_100ns: value(&cpu, "user_usec") * 10,
                runtime_kernel_100ns: value(&cpu, "system_usec") * 10,
            },
            memory: MemoryStats {
                memory_usage_commit_bytes: now,
                memory_usage_commit_peak_bytes: peak,
                memory_usage_private_working_set_bytes: value(&memory, "anon"),
            },
            storage: self.storage_statistics(),
            control_group: Some(self.own_statistics(&memory)?),
            ..Statistics::default()
        })
    }

    fn own_statistics(&self, memory: &str) -> Result<ControlGroupStats, ErrorKind> {
        Ok(ControlGroupStats {
            unified: true,
            memory_limit_bytes: limit(&self.dir.join("memory.max")),
            inactive_file_bytes: value(memory, "inactive_file"),
            active_file_bytes: value(memory, "active_file"),
            page_faults: value(memory, "pgfault"),
            major_page_faults: value(memory, "pgmajfault"),
            tasks: number(&self.dir.join("pids.current"))?,
            tasks_limit: limit(&self.dir.join("pids.max")),
        })
    }

    /// Nothing where the `io` controller is not there: it is optional.
    fn storage_statistics(&self) -> StorageStats {
        let text = read(&self.dir.join("io.stat")).unwrap_or_default();
        let total = |key: &str| {
            let words = text.split_whitespace().filter_map(|word| word.split_once('='));
            words.filter(|(name, _)| *name == key).filter_map(|(_, n)| n.parse::<u64>().ok()).sum()
        };
        StorageStats {
            read_count_normalized: total("rios"),
            read_size_bytes: total("rbytes"),
            write_count_normalized: total("wios"),
            write_size_bytes: total("wbytes"),
        }
    }
}

/// The controllers that must be there.
const NEEDED: [&str; 3] = ["memory", "cpu", "pids"];

/// Those that are used where they are there.
const WELCOME: [&str; 2] = ["io", "cpuset"];

/// Gives a group's children the controllers.
fn delegate(group: &Path, needed: &[&str]) -> Result<(), ErrorKind> {
    let file = group.join("cgroup.subtree_control");
    let already = read(&file)?;
    let is_given = |controller: &str| already.split_whitespace().any(|word| word == controller);
    for controller in needed.iter().filter(|controller| !is_given(controller)) {
        fs::write(&file, format!("+{controller}")).map_err(|e| refused(group, controller, e))?;
    }
    for controller in WELCOME.iter().filter(|controller| !is_given(controller)) {
        let _ = fs::write(&file, format!("+{controller}"));
    }
    Ok(())
}

/// A kernel has a controller in one version's tree at a time, and may be told to have it in none.
fn refused(group: &Path, controller: &str, error: io::Error) -> ErrorKind {
    let there = read(&group.join("cgroup.controllers")).unwrap_or_default();
    if there.split_whitespace().any(|word| word == controller) {
        let what = format!("+{controller} to cgroup.subtree_control of");
        return io_error(&format!("write {what}"), &group.display().to_string(), error);
    }
    ErrorKind::HostLacks {
        what: format!("the cgroup v2 tree of this host has no controller `{controller}`"),
        mend: "take it out of cgroup_disable on the kernel's command line, and away from cgroup \
               v1 if that has it"
            .into(),
    }
}

#[cfg(test)]
mod tests;
