//! The base spec of the handler: what containerd starts a container's spec from.
//!
//! Its Windows section makes containerd leave an image's user alone, which it would otherwise look
//! for in an `/etc/passwd`. It has no mounts, so that a container's are only those that were asked
//! for, and neither capabilities nor a seccomp profile: a silo has its own.

use serde_json::json;

pub(super) fn text() -> String {
    let namespaces = ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({ "type": kind }));
    let spec = json!({
        "ociVersion": "1.1.0",
        "root": { "path": "rootfs" },
        "process": { "cwd": "/", "user": { "uid": 0, "gid": 0 }, "noNewPrivileges": true },
        "mounts": [],
        "linux": { "resources": {}, "namespaces": namespaces },
        "windows": {},
    });
    format!("{spec:#}\n")
}
