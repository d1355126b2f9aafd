//! Where Transom keeps its things on this host.

use std::path::{Path, PathBuf};

/// The directories of one Transom installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// What lasts: images, layers, containers (`TRANSOM_ROOT`).
    pub root: PathBuf,
    /// What a reboot may take (`TRANSOM_STATE`).
    pub state: PathBuf,
    /// Where the programs are (`TRANSOM_LIBEXEC`).
    pub libexec: PathBuf,
}

impl HostConfig {
    /// The environment's choice, or below `%ProgramData%`.
    pub fn from_env() -> Self {
        let dir = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let data = dir("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into()).join("Transom");
        let own = std::env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        Self {
            state: dir("TRANSOM_STATE").unwrap_or_else(|| data.join("state")),
            libexec: dir("TRANSOM_LIBEXEC").or(beside).unwrap_or_else(|| data.join("libexec")),
            root: dir("TRANSOM_ROOT").unwrap_or(data),
        }
    }
}
