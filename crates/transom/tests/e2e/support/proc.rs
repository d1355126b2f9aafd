//! The host's processes, as the kernel tells of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::host::Host;

/// A process of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// The program's file name, as far as the kernel keeps it.
    pub(crate) name: String,
}

/// Everything that runs for this host: its own programs, and what runs in its containers.
///
/// The first know its state folder by their environment or have a file in it open, the second have
/// mounts from its root.
pub(crate) fn of(host: &Host) -> Vec<Process> {
    let state = format!("TRANSOM_STATE={}\0", host.state().display());
    let root = host.root().display().to_string();
    let state_folder = host.state();
    let mut found: Vec<Process> = all()
        .into_iter()
        .filter(|process| {
            let own = read(process.pid, "environ").is_some_and(|text| text.contains(&state));
            own || read(process.pid, "mountinfo").is_some_and(|text| text.contains(&root))
                || has_open(process.pid, &state_folder)
        })
        .collect();
    found.sort();
    found
}

/// All that have a folder in one of their variables.
pub(crate) fn mentioning(folder: &Path) -> Vec<Process> {
    let folder = folder.display().to_string();
    let has =
        |process: &Process| read(process.pid, "environ").is_some_and(|text| text.contains(&folder));
    all().into_iter().filter(has).collect()
}

/// All that were started with a path among their arguments.
pub(crate) fn with_argument(path: &Path) -> Vec<Process> {
    let path = path.display().to_string();
    let has = |process: &Process| {
        read(process.pid, "cmdline").is_some_and(|line| line.split('\0').any(|word| word == path))
    };
    all().into_iter().filter(has).collect()
}

/// All that have one of our programs as their file.
pub(crate) fn named(host: &Host, name: &str) -> Vec<Process> {
    let of_program = |process: &Process| {
        let program = std::fs::read_link(file(process.pid, "exe")).unwrap_or_default();
        program.file_name().is_some_and(|found| found == name)
    };
    of(host).into_iter().filter(of_program).collect()
}

/// `kill -9` at all of them.
pub(crate) fn kill_named(host: &Host, name: &str) {
    for process in named(host, name) {
        process.kill();
    }
}

impl Process {
    /// `kill -9`; one that has gone is fine. Whether it was there.
    pub(crate) fn kill(&self) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }

    /// How many files, sockets and pipes it has open.
    pub(crate) fn descriptors(&self) -> usize {
        entries(self.pid, "fd")
    }

    /// Memory that nobody shares with it, in bytes.
    pub(crate) fn private_memory(&self) -> u64 {
        let rollup = read(self.pid, "smaps_rollup").unwrap_or_default();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        let kib = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.sum::<u64>() * 1024
    }

    /// What is in memory of it, now and at most so far.
    pub(crate) fn resident(&self) -> (u64, u64) {
        let text = read(self.pid, "status").unwrap_or_default();
        let status = status(&text);
        let field = |name| {
            let kib =
                status.get(name).and_then(|size| size.strip_suffix(" kB")?.parse::<u64>().ok());
            kib.unwrap_or_default() * 1024
        };
        (field("VmRSS"), field("VmHWM"))
    }

    /// How many descriptors and threads it has.
    pub(crate) fn handles(&self) -> usize {
        self.descriptors() + entries(self.pid, "task")
    }

    /// Whether it has a pid of its own in a container.
    pub(crate) fn is_in_a_namespace(&self) -> bool {
        let text = read(self.pid, "status").unwrap_or_default();
        status(&text).get("NSpid").is_some_and(|pids| pids.split_whitespace().count() > 1)
    }
}

/// The value of a line of `/proc/N/status`.
pub(crate) fn status(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key, value.trim()))
        .collect()
}

/// Whether a process has a file below a folder open.
fn has_open(pid: i32, folder: &Path) -> bool {
    let descriptors = std::fs::read_dir(file(pid, "fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .any(|link| link.starts_with(folder))
}

fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("this is Linux").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| {
            let name = read(pid, "comm")?.trim().to_owned();
            Some(Process { pid, name })
        })
        .collect()
}

/// None of a process that has gone meanwhile.
fn entries(pid: i32, folder: &str) -> usize {
    std::fs::read_dir(file(pid, folder)).map_or(0, Iterator::count)
}

/// Nothing for a process that has gone meanwhile.
fn read(pid: i32, name: &str) -> Option<String> {
    let bytes = std::fs::read(file(pid, name)).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn file(pid: i32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}
