//! Where a shim listens: one socket for each standalone container or pod.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The environment variable that names the folder of sockets and other things that a reboot ends.
pub const STATE: &str = "TRANSOM_STATE";
const DEFAULT_STATE: &str = "/run/transom";
/// The longest path that fits a socket's address, with its closing zero.
const LONGEST: usize = 107;
const SCHEME: &str = "unix://";

/// The folder of what lives until the next boot.
pub fn state_folder() -> PathBuf {
    std::env::var_os(STATE)
        .filter(|value| !value.is_empty())
        .map_or_else(|| PathBuf::from(DEFAULT_STATE), PathBuf::from)
}

/// The socket of the shim that serves `id`: `id` is the pod's for all of a pod's containers.
pub fn socket(state: &Path, namespace: &str, id: &str) -> PathBuf {
    let folder = state.join("shims");
    let name = format!("{namespace}-{id}");
    let plain = folder.join(format!("{name}.sock"));
    if plain.as_os_str().len() <= LONGEST && !name.contains('/') {
        return plain;
    }
    let mut short = String::new();
    for byte in &Sha256::digest(format!("{namespace}/{id}"))[..16] {
        let _ = write!(short, "{byte:02x}");
    }
    folder.join(format!("{short}.sock"))
}

/// A socket's path as clients are told it.
pub fn of_socket(socket: &Path) -> String {
    format!("{SCHEME}{}", socket.display())
}

/// The path in an address.
pub fn path(address: &str) -> Option<&Path> {
    address.strip_prefix(SCHEME).map(Path::new)
}

/// Makes the socket's name free: takes away what a killed shim left behind, and refuses when
/// somebody listens there.
pub(crate) async fn make_free(socket: &Path) -> io::Result<()> {
    if let Some(folder) = socket.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    if !is_stale(socket).await? {
        return Ok(());
    }
    tokio::fs::remove_file(socket).await
}

/// Takes a killed shim's socket away; leaves a living one's.
pub(crate) async fn sweep(socket: &Path) {
    if is_stale(socket).await.unwrap_or(false) {
        // Somebody else may have swept it meanwhile.
        let _ = tokio::fs::remove_file(socket).await;
    }
}

/// There is a socket and nobody listens at it; an error when somebody does.
async fn is_stale(socket: &Path) -> io::Result<bool> {
    if !tokio::fs::try_exists(socket).await? {
        return Ok(false);
    }
    match ttrpc::r#async::Client::connect(&of_socket(socket)).await {
        Ok(_) => Err(io::Error::from(io::ErrorKind::AddrInUse)),
        Err(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_too_long_for_a_socket_is_shortened() {
        let state = Path::new("/run/transom");
        let plain = socket(state, "default", "c1");
        assert_eq!(plain, Path::new("/run/transom/shims/default-c1.sock"));
        let long = socket(state, "k8s.io", &"a".repeat(128));
        assert!(long.as_os_str().len() <= LONGEST);
        assert_ne!(long, socket(state, "k8s.io", &"a".repeat(127)));
        assert_eq!(path(&of_socket(&long)), Some(long.as_path()));
    }
}
