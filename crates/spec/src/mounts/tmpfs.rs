//! `--tmpfs`.

use std::convert::Infallible;

use super::MountError;

/// Windows has no memory file systems, so that this always fails.
///
/// The API accepts `HostConfig.Tmpfs` all the same and forgets it; a command line can ask here first.
pub fn tmpfs(_destination: &str, _options: &str) -> Result<Infallible, MountError> {
    Err(MountError::Tmpfs)
}
