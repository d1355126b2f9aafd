//! What a Transom has on its host at a moment, and whether it gave all of it back.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::host::Host;
use super::proc;

/// How long the last things may take to go: a shim that nobody asked for anything goes after half a
/// minute.
const GRACE: Duration = Duration::from_secs(50);

/// Processes, mounts, cgroups, addresses, bridge ports, firewall rules and files, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footprint(BTreeSet<String>);

impl Footprint {
    /// As it is now.
    pub(crate) fn of(host: &Host) -> Self {
        let mut lines = BTreeSet::new();
        // A containerd that a test drives is the test's own, and may be another by now.
        let processes = proc::of(host).into_iter().filter(|process| process.name != "containerd");
        lines.extend(processes.map(|process| format!("process {} {}", process.pid, process.name)));
        lines.extend(mounts(host.folder()));
        let group = group_mark(host);
        lines.extend(named("cgroup", Path::new("/sys/fs/cgroup"), |path: &str| {
            path.contains(&group)
        }));
        // These two belong to all on this host that use the default network.
        lines.extend(named("lease", Path::new("/var/lib/cni/networks/transom-nat"), |_| true));
        lines.extend(named("port", Path::new("/sys/class/net/transom0/brif"), |_| true));
        lines.extend(rules());
        for folder in [host.state(), host.root().join("containers"), host.root().join("volumes")] {
            lines.extend(named("file", &folder, |_| true));
        }
        Self(lines)
    }

    /// Panics unless everything that was not there at this moment goes again, and soon.
    pub(crate) fn expect_again(&self, host: &Host) {
        let deadline = Instant::now() + GRACE;
        loop {
            let now = Self::of(host);
            let left: Vec<_> = now.0.difference(&self.0).collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind:\n{left:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// What ends the names of this host's control groups: FNV-1a of its state folder.
fn group_mark(host: &Host) -> String {
    let state = host.state();
    let hash =
        state.as_os_str().as_encoded_bytes().iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
    format!("~{hash:08x}")
}

fn mounts(folder: &Path) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").expect("this is Linux");
    let folder = folder.display().to_string();
    let ours = table.lines().filter(|line| line.contains(&folder));
    ours.map(|line| format!("mount {line}")).collect()
}

/// Address translation that CNI plugins set up; they name the container in a comment.
fn rules() -> Vec<String> {
    let output = std::process::Command::new("iptables-save").output();
    let rules = output.map(|output| output.stdout).unwrap_or_default();
    let rules = String::from_utf8_lossy(&rules).into_owned();
    let ours = rules.lines().filter(|line| line.starts_with("-A") && line.contains("transom-nat"));
    ours.map(|line| format!("rule {line}")).collect()
}

/// Every path below a folder that is wanted, itself left out.
fn named(kind: &str, folder: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = path.display().to_string();
        // A cgroup's files come and go with it.
        if wanted(&name) && (is_folder || kind != "cgroup") {
            lines.push(format!("{kind} {name}"));
        }
        if is_folder {
            lines.extend(named(kind, &path, wanted));
        }
    }
    lines
}
