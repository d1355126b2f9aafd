//! What the kernel must be able to do.

use std::path::Path;

use super::Finding;

/// Idmapped mounts that can be lower layers of an overlay.
const OLDEST: (u32, u32) = (5, 19);

/// Looks at every feature.
pub(super) fn all() -> Vec<Finding> {
    vec![version(), overlay(), namespaces(), seccomp(), cgroups(), loop_devices()]
}

fn version() -> Finding {
    let release = engine::os::machine::release();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= OLDEST {
        Finding::good("idmapped mounts", format!("kernel {release}"))
    } else {
        Finding::bad(
            "idmapped mounts",
            format!("kernel {release}"),
            "a kernel of 5.19 or later is needed: on Debian 11, from bullseye-backports",
        )
    }
}

fn overlay() -> Finding {
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let release = engine::os::machine::release();
    let module = Path::new("/lib/modules").join(release).join("kernel/fs/overlayfs");
    if known.lines().any(|line| line.ends_with("overlay")) || module.is_dir() {
        return Finding::good("overlayfs", "available");
    }
    Finding::bad(
        "overlayfs",
        "this kernel has none",
        "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS",
    )
}

fn namespaces() -> Finding {
    const NAME: &str = "namespaces";
    let missing: Vec<&str> = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]
        .into_iter()
        .filter(|kind| !Path::new("/proc/self/ns").join(kind).exists())
        .collect();
    if !missing.is_empty() {
        return Finding::bad(
            NAME,
            format!("this kernel lacks: {}", missing.join(", ")),
            "a kernel with these namespaces is needed",
        );
    }
    let limit = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    match limit.trim().parse::<u64>() {
        Ok(0) => Finding::bad(
            NAME,
            "user namespaces are switched off",
            "sysctl -w user.max_user_namespaces=15000",
        ),
        _ => Finding::good(NAME, "user, mount, pid, net, ipc, uts, cgroup"),
    }
}

fn seccomp() -> Finding {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    match actions {
        Ok(actions) if actions.contains("errno") => Finding::good("seccomp", "filters available"),
        _ => Finding::bad(
            "seccomp",
            "this kernel has no filters",
            "a kernel with CONFIG_SECCOMP_FILTER is needed",
        ),
    }
}

fn cgroups() -> Finding {
    const NAME: &str = "cgroups";
    const WANTED: &[&str] = &["cpu", "memory", "pids"];
    let unified = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    let has = |controller: &&&str| {
        unified.split_whitespace().any(|known| known == **controller)
            || Path::new("/sys/fs/cgroup").join(controller).join("cgroup.procs").exists()
    };
    let missing: Vec<&str> = WANTED.iter().filter(|wanted| !has(wanted)).copied().collect();
    if missing.is_empty() {
        let version = if unified.is_empty() { "v1" } else { "v2" };
        Finding::good(NAME, format!("{version}: {}", WANTED.join(", ")))
    } else {
        Finding::warning(
            NAME,
            format!("missing: {}", missing.join(", ")),
            "mount cgroup2 at /sys/fs/cgroup (systemd does); until then those limits are refused",
        )
    }
}

fn loop_devices() -> Finding {
    if Path::new("/dev/loop-control").exists() {
        Finding::good("loop devices", "available")
    } else {
        Finding::warning(
            "loop devices",
            "/dev/loop-control is not there",
            "modprobe loop; until then --storage-opt size is refused",
        )
    }
}
