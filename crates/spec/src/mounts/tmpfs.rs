//! `--tmpfs`. Windows has no memory file systems, so that asking for one always fails; the API takes
//! `HostConfig.Tmpfs` all the same and forgets it, and a command line can ask here first.

use std::convert::Infallible;

use super::MountError;

/// Where one is to be.
pub fn tmpfs_destination(_destination: &str) -> Result<Infallible, MountError> {
    Err(MountError::Tmpfs("platform"))
}

/// How one is to be: its size and mode.
pub fn tmpfs_options(_options: &serde_json::Value) -> Result<Infallible, MountError> {
    Err(MountError::Tmpfs("windows"))
}
