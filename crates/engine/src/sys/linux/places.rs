//! Where Transom keeps its things on a Linux host, and what its programs are called.

use std::path::{Path, PathBuf};

use crate::host::HostConfig;

pub(crate) fn root() -> PathBuf {
    "/var/lib/transom".into()
}

pub(crate) fn state() -> PathBuf {
    "/run/transom".into()
}

/// `../libexec` beside the running program, its own directory, or `/usr/libexec/transom`:
/// the first that has a `transom-silo`.
pub(crate) fn libexec() -> PathBuf {
    let own = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let beside = own.iter().flat_map(|dir| [dir.join("../libexec"), dir.clone()]);
    beside
        .into_iter()
        .find(|dir| dir.join("transom-silo").exists())
        .unwrap_or_else(|| "/usr/libexec/transom".into())
}

impl HostConfig {
    /// The silo host's program.
    pub(crate) fn silo_program(&self) -> PathBuf {
        self.libexec.join("transom-silo")
    }

    /// The Windows helper that runs inside.
    pub(crate) fn guest_program(&self) -> PathBuf {
        self.libexec.join("transom-guest.exe")
    }
}
