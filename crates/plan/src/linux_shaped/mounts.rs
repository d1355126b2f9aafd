//! Mounts: volumes at their Windows paths, files that name hosts read, the kernel's left out.

use schema::names::Names;

use super::names;
use crate::error::{PlanError, Result};
use crate::host::Lookups;
use crate::mounts::PIPE;
use crate::oci::{Mount, Spec};

/// What Windows programs read in the place of `/etc/hosts`.
const HOSTS: &str = r"C:\Windows\System32\drivers\etc\hosts";

/// File systems that show a Linux kernel.
const KERNEL: [&str; 8] =
    ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs"];
/// Memory that every Linux container has, by its place.
const MEMORY: [&str; 3] = ["/dev", "/dev/shm", "/run"];
/// The same of a pod, from the host.
const SHARED_MEMORY: &str = "/dev/shm";

/// Brings the mounts of a spec into a Windows container's form, and reads what they tell of names.
pub(super) fn adopt(spec: &mut Spec, lookups: &dyn Lookups) -> Result<Names> {
    let mut known = Names::default();
    let mut kept = Vec::with_capacity(spec.mounts.len());
    for (at, mut mount) in std::mem::take(&mut spec.mounts).into_iter().enumerate() {
        let read = || {
            lookups.read(&mount.source).map_err(PlanError::lookup(format!("mounts.{at}.source")))
        };
        match mount.destination.as_str() {
            _ if is_kernels(&mount) => continue,
            "/etc/resolv.conf" => {
                names::resolv_conf(&read()?, &mut known);
                continue;
            }
            "/etc/hostname" => {
                if spec.hostname.is_empty() {
                    read()?.trim().clone_into(&mut spec.hostname);
                }
                continue;
            }
            "/etc/hosts" => {
                names::hosts(&read()?, &mut known);
                HOSTS.clone_into(&mut mount.destination);
            }
            path => mount.destination = windows_path(path),
        }
        kept.push(mount);
    }
    spec.mounts = kept;
    Ok(known)
}

fn is_kernels(mount: &Mount) -> bool {
    let place = mount.destination.trim_end_matches('/');
    KERNEL.contains(&mount.mount_type.as_str())
        || mount.mount_type == "tmpfs" && MEMORY.contains(&place)
        || place == SHARED_MEMORY
}

/// The path on `C:` that a Linux client means: it may have put a slash before a drive, a path
/// without a drive is one below `C:\`.
pub(super) fn windows_path(path: &str) -> String {
    let bare = path.strip_prefix('/').unwrap_or(path);
    if bare.starts_with(PIPE) {
        return bare.to_owned();
    }
    match bare.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => {
            let path = bare.replace('/', r"\");
            if path.len() == 2 { format!(r"{path}\") } else { path }
        }
        _ if path.starts_with('/') => format!(r"C:\{}", bare.replace('/', r"\")),
        _ => path.to_owned(),
    }
}
