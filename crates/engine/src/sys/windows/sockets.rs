//! Where a shim listens: a named pipe that only administrators and the system may open.

use std::io;
use std::path::{Path, PathBuf};

use futures::Stream;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};

use super::access::Access;

/// What stands before a pipe's name in an address: nothing.
pub const SCHEME: &str = "";

/// Windows keeps others from making pipes below this.
const PROTECTED: &str = r"\\.\pipe\ProtectedPrefix\Administrators\";
/// `ERROR_PIPE_BUSY`: somebody listens, and serves another.
const BUSY: i32 = 231;

/// The pipe of the shim that serves `id`; the folder does not matter here.
pub fn socket(_state: &Path, namespace: &str, id: &str) -> PathBuf {
    PathBuf::from(format!("{PROTECTED}containerd-shim-{namespace}-{id}-pipe"))
}

/// Fails when somebody listens there. A killed shim leaves nothing behind.
#[expect(clippy::unused_async, reason = "the same on every OS")]
pub async fn make_free(socket: &Path) -> io::Result<()> {
    match ClientOptions::new().open(socket) {
        Ok(_) => Err(io::Error::from(io::ErrorKind::AddrInUse)),
        Err(error) if error.raw_os_error() == Some(BUSY) => {
            Err(io::Error::from(io::ErrorKind::AddrInUse))
        }
        Err(_) => Ok(()),
    }
}

/// Takes a killed shim's socket away: pipes go with who made them.
#[expect(clippy::unused_async, reason = "the same on every OS")]
pub async fn sweep(_socket: &Path) {}

/// An address as a connection takes it: containerd writes `npipe://` and either slash.
pub fn connectable(address: &str) -> String {
    let address = address.strip_prefix("npipe://").unwrap_or(address);
    address.replace('/', "\\")
}

/// Listens. The name must be free; others may not take it over while it is held.
pub fn listen(
    socket: &Path,
) -> io::Result<impl Stream<Item = io::Result<NamedPipeServer>> + use<>> {
    let access = Access::administrators()?;
    let first = access.pipe(socket, ServerOptions::new().first_pipe_instance(true))?;
    let state = (first, access, socket.to_owned());
    Ok(futures::stream::unfold(state, |(pipe, access, path)| async move {
        let another = || access.pipe(&path, &mut ServerOptions::new());
        let connected = pipe.connect().await.and_then(|()| another());
        match connected {
            Ok(next) => Some((Ok(pipe), (next, access, path))),
            Err(error) => Some((Err(error), (pipe, access, path))),
        }
    }))
}
