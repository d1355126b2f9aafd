//! Mounts: what a source and a destination mean, and what each becomes in a document.

mod unix;

use schema::container::{MappedDirectory, MappedPipe};

use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::oci::Mount;
use crate::paths::windows_join;
pub use unix::{shared_path, unix};

/// What names a pipe.
pub const PIPE: &str = r"\\.\pipe\";
/// What names something in the VM that hosts a container.
pub const IN_VM: &str = "uvm://";
/// What names something shared between the containers of a pod.
pub const IN_SANDBOX: &str = "sandbox://";
/// The same, in memory.
pub const IN_SANDBOX_MEMORY: &str = "sandbox-tmp://";
/// Huge pages.
pub const HUGE_PAGES: &str = "hugepages://";

/// The prefix of shares of the host that a VM sees.
pub const VM_SHARES: &str = r"\\?\VMSMB\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}\";

/// The kinds of disks.
pub const DISKS: [&str; 3] = [PHYSICAL_DISK, VIRTUAL_DISK, EXTENSIBLE_DISK];
/// A disk of the host.
pub const PHYSICAL_DISK: &str = "physical-disk";
/// A disk in a file.
pub const VIRTUAL_DISK: &str = "virtual-disk";
/// A disk that a driver presents.
pub const EXTENSIBLE_DISK: &str = "extensible-virtual-disk";

/// Memory, on a Linux host.
pub const MEMORY: &str = "tmpfs";

/// Whether a source names a pipe.
pub fn is_pipe(path: &str) -> bool {
    path.starts_with(PIPE) || path.strip_prefix(IN_VM).is_some_and(|path| path.starts_with(PIPE))
}

/// Whether a source names a pipe, as host process containers see it.
pub fn is_job_pipe(path: &str) -> bool {
    path.starts_with(PIPE)
}

/// The VM that a container runs in, as far as mounts care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipeVm<'a> {
    /// Its id.
    pub id: &'a str,
    /// It runs Windows.
    pub is_windows: bool,
}

/// A pipe mount: its two ends, and whether the host's end is in the VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipe {
    /// Its two ends.
    pub mapped: MappedPipe,
    /// The host's end is in the VM itself.
    pub in_vm: bool,
}

/// The pipe that `mount` maps, if it maps one.
pub fn named_pipe(mount: &Mount, vm: Option<PipeVm<'_>>) -> Option<Pipe> {
    if vm.is_some_and(|vm| !vm.is_windows) {
        return None;
    }
    let name = mount.destination.strip_prefix(PIPE)?;
    let (host_path, in_vm) = match (vm, mount.source.strip_prefix(PIPE)) {
        (None, Some(_)) => (mount.source.clone(), false),
        (Some(_), Some(source)) => (format!(r"{VM_SHARES}IPC$\{source}"), false),
        (vm, None) => {
            let source = mount.source.strip_prefix(IN_VM)?.strip_prefix(PIPE)?;
            let id = vm?.id;
            (format!(r"{PIPE}{}\{source}", id.strip_suffix("@vm").unwrap_or(id)), true)
        }
    };
    let mapped =
        MappedPipe { container_pipe_name: name.into(), host_path, host_path_type: String::new() };
    Some(Pipe { mapped, in_vm })
}

/// Where a Windows VM keeps what a pod's containers share under a `sandbox://` source.
pub fn sandbox_path(source: &str) -> String {
    windows_join(&[r"C:\SandboxMounts", source.strip_prefix(IN_SANDBOX).unwrap_or(source)])
}

/// Whether a mount may be added to a running container.
pub fn is_live_mount_supported(source: &str, mount_type: &str) -> bool {
    let prefixes = [IN_SANDBOX, IN_SANDBOX_MEMORY, HUGE_PAGES, r"\\.\pipe", IN_VM];
    mount_type.is_empty() && !prefixes.iter().any(|prefix| source.starts_with(prefix))
}

/// Refuses a mount without a source or a destination.
pub fn check_ends(at: usize, mount: &Mount) -> Result<()> {
    let missing = |end: &str| {
        let field = format!("mounts.{at}.{end}");
        Err(PlanError::missing(field, "a mount has a source and a destination"))
    };
    if mount.destination.is_empty() {
        return missing("destination");
    }
    if mount.source.is_empty() { missing("source") } else { Ok(()) }
}

/// The directories of a process isolated container. On Windows the engine takes only resolved paths.
pub fn host_directories(mounts: &[Mount], lookups: &dyn Lookups) -> Result<Vec<MappedDirectory>> {
    let directories = mounts.iter().enumerate().filter(|(_, mount)| !is_pipe(&mount.source));
    directories
        .map(|(at, mount)| {
            let host_path = lookups
                .resolve(&mount.source)
                .map_err(PlanError::lookup(format!("mounts.{at}.source")))?;
            Ok(MappedDirectory {
                host_path,
                host_path_type: String::new(),
                container_path: mount.destination.clone(),
                read_only: mount.is_read_only(),
            })
        })
        .collect()
}

/// A host that spells paths the Unix way takes its own mounts.
pub fn process_isolated(
    mounts: &[Mount],
    host: &HostFacts,
    sandbox: Option<&str>,
    lookups: &dyn Lookups,
) -> Result<(Vec<MappedDirectory>, Vec<MappedPipe>)> {
    if host.is_unix() {
        return unix(mounts, sandbox, lookups);
    }
    for (at, mount) in mounts.iter().enumerate() {
        check_ends(at, mount)?;
    }
    let pipes = mounts.iter().filter_map(|mount| named_pipe(mount, None)).map(|pipe| pipe.mapped);
    Ok((host_directories(mounts, lookups)?, pipes.collect()))
}
