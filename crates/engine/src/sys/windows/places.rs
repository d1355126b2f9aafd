//! Where Transom keeps its things on a Windows host: below `%ProgramData%`.

use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    let data = std::env::var_os("ProgramData").filter(|folder| !folder.is_empty());
    data.map_or_else(|| r"C:\ProgramData".into(), PathBuf::from).join("Transom")
}

pub(crate) fn state() -> PathBuf {
    root().join("state")
}

/// Beside the running program.
pub(crate) fn libexec() -> PathBuf {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    beside.unwrap_or_else(|| root().join("libexec"))
}
