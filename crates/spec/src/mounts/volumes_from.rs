//! `--volumes-from container[:mode]`.

use super::MountError;

/// Another container whose mounts are taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumesFrom {
    /// The container's name or id.
    pub container: String,
    /// The mode as written; `rw` when none was.
    pub mode: String,
    /// Whether its mounts may be written through here.
    pub writable: bool,
}

/// Reads one.
pub fn volumes_from(text: &str) -> Result<VolumesFrom, MountError> {
    if text.is_empty() {
        return Err(MountError::NoContainer);
    }
    let (container, mode) = text.split_once(':').unwrap_or((text, ""));
    let mode = if mode.is_empty() { "rw" } else { mode };
    let writable = match mode.to_ascii_lowercase().as_str() {
        "rw" => true,
        "ro" => false,
        _ => return Err(MountError::Mode(mode.to_owned())),
    };
    Ok(VolumesFrom { container: container.to_owned(), mode: mode.to_owned(), writable })
}
