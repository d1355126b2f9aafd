//! Where a shim listens: a Unix socket below the state folder.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use sha2::{Digest as _, Sha256};
use tokio::net::{UnixListener, UnixStream};

use super::config::HostConfig;

/// What stands before a socket's path in an address.
pub const SCHEME: &str = "unix://";
/// The longest path that fits a socket's address, with its closing zero.
const LONGEST: usize = 107;

/// The folder of what lives until the next boot.
pub fn state_folder() -> PathBuf {
    HostConfig::from_env().state
}

/// The socket of the shim that serves `id`.
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

/// Makes the socket's name free: takes away what a killed shim left behind, and refuses when
/// somebody listens there.
pub async fn make_free(socket: &Path) -> io::Result<()> {
    if let Some(folder) = socket.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    if !is_stale(socket).await? {
        return Ok(());
    }
    tokio::fs::remove_file(socket).await
}

/// Takes a killed shim's socket away; leaves a living one's.
pub async fn sweep(socket: &Path) {
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
    match UnixStream::connect(socket).await {
        Ok(_) => Err(io::Error::from(io::ErrorKind::AddrInUse)),
        Err(_) => Ok(true),
    }
}

/// An address as a connection takes it.
pub fn connectable(address: &str) -> String {
    format!("{SCHEME}{}", address.trim_start_matches(SCHEME))
}

/// Listens; the name must be free.
pub fn listen(socket: &Path) -> io::Result<impl Stream<Item = io::Result<UnixStream>> + use<>> {
    Ok(Incoming(UnixListener::bind(socket)?))
}

struct Incoming(UnixListener);

impl Stream for Incoming {
    type Item = io::Result<UnixStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
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
    }
}
