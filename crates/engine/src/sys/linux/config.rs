//! Where Transom keeps its things on this host.

use std::path::{Path, PathBuf};

/// The directories of one Transom installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// What lasts: images, layers, the platform, containers (`TRANSOM_ROOT`).
    pub root: PathBuf,
    /// What a reboot may take: sockets, pinned namespaces (`TRANSOM_STATE`).
    pub state: PathBuf,
    /// Where `transom-silo` and `transom-guest.exe` are (`TRANSOM_LIBEXEC`).
    pub libexec: PathBuf,
}

impl HostConfig {
    /// The environment's choice, or the usual places.
    pub fn from_env() -> Self {
        let dir = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            root: dir("TRANSOM_ROOT").unwrap_or_else(|| "/var/lib/transom".into()),
            state: dir("TRANSOM_STATE").unwrap_or_else(|| "/run/transom".into()),
            libexec: dir("TRANSOM_LIBEXEC").unwrap_or_else(installed_libexec),
        }
    }

    /// The silo host's program.
    pub(crate) fn silo_program(&self) -> PathBuf {
        self.libexec.join("transom-silo")
    }

    /// The Windows helper that runs inside.
    pub(crate) fn guest_program(&self) -> PathBuf {
        self.libexec.join("transom-guest.exe")
    }
}

/// `../libexec` beside the running program, its own directory, or `/usr/libexec/transom`:
/// the first that has a `transom-silo`.
fn installed_libexec() -> PathBuf {
    let own = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let beside = own.iter().flat_map(|dir| [dir.join("../libexec"), dir.clone()]);
    beside
        .into_iter()
        .find(|dir| dir.join("transom-silo").exists())
        .unwrap_or_else(|| "/usr/libexec/transom".into())
}
