//! The Windows that containers see: this host's own.

use std::io;
use std::path::{Path, PathBuf};

use super::os::machine;

/// What a container's Windows is.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Names it.
    pub key: String,
    /// The Windows files.
    pub drive_c: PathBuf,
    /// The registry's files.
    pub registry: PathBuf,
    /// The version that it reports.
    pub os_version: String,
    /// Which Windows it is, as far as programs can tell.
    pub edition: String,
}

/// What is being done, for a user who waits: nothing is, the host's Windows is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {}

impl std::fmt::Display for Step {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

/// What Windows a container sees.
pub fn os_version() -> String {
    machine::release()
}

impl Platform {
    /// This host's.
    pub fn ensure_with(
        _root: &Path,
        _guest_exe: &Path,
        _tell: impl FnMut(Step) + Send,
    ) -> io::Result<Self> {
        let drive = std::env::var_os("SystemDrive").unwrap_or_else(|| "C:".into());
        let drive_c = PathBuf::from(format!("{}\\", drive.display()));
        let registry = drive_c.join(r"Windows\System32\config");
        let os_version = os_version();
        let (key, edition) = (os_version.clone(), os_version.clone());
        Ok(Self { key, drive_c, registry, os_version, edition })
    }
}
