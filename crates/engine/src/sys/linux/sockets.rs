//! Where a shim listens: a Unix socket below the state folder.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use sha2::{Digest as _, Sha256};
use tokio::net::{UnixListener, UnixStream};

/// What stands before a socket's path in an address.
pub const SCHEME: &str = "unix://";
/// The longest path that fits a socket's address, with its closing zero.
const LONGEST: usize = 107;

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

/// There is a socket and nobody listens at it; an error when somebody does. Only a refused
/// connection proves that nobody does: a server that is busy lets nobody in either.
async fn is_stale(socket: &Path) -> io::Result<bool> {
    match UnixStream::connect(socket).await.map_err(|e| (e.kind(), e)) {
        Err((io::ErrorKind::ConnectionRefused, _)) => Ok(true),
        Err((io::ErrorKind::NotFound, _)) => Ok(false),
        Ok(_) | Err((io::ErrorKind::WouldBlock, _)) => Err(io::ErrorKind::AddrInUse.into()),
        Err((_, error)) => Err(error),
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

    #[tokio::test]
    async fn a_socket_is_taken_away_only_when_nobody_listens_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shim.sock");
        make_free(&path).await.unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        // It has as many connections as it takes.
        let _first = UnixStream::connect(&path).await.unwrap();
        let busy = make_free(&path).await.unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::AddrInUse);
        sweep(&path).await;
        assert!(path.exists(), "a server that is busy lost its socket");
        drop(listener);
        // A process that another test starts just now holds it too, until it has become its program.
        let since = std::time::Instant::now();
        while make_free(&path).await.is_err() && since.elapsed().as_secs() < 20 {
            tokio::task::yield_now().await;
        }
        assert!(!path.exists(), "what a killed shim left is in the way");
    }
}
