//! Where a shim listens, and how clients are told: one socket for each standalone container or pod.
//!
//! What a socket is differs by OS and is the engine's to know: [`engine::sockets`].

use std::path::{Path, PathBuf};

use engine::{HostConfig, sockets};

pub(crate) use sockets::{make_free, sweep};

/// The folder of what lives until the next boot.
pub fn state_folder() -> PathBuf {
    HostConfig::from_env().state
}

/// The socket of the shim that serves `id`: `id` is the pod's for all of a pod's containers.
pub fn socket(state: &Path, namespace: &str, id: &str) -> PathBuf {
    sockets::socket(state, namespace, id)
}

/// A socket's path as clients are told it.
pub fn of_socket(socket: &Path) -> String {
    format!("{}{}", sockets::SCHEME, socket.display())
}

/// The path in an address.
pub fn path(address: &str) -> Option<&Path> {
    let path = address.strip_prefix(sockets::SCHEME).map(Path::new);
    path.filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_sockets_path_and_nothing_else_is() {
        let socket = socket(&state_folder(), "default", "c1");
        assert_eq!(path(&of_socket(&socket)), Some(socket.as_path()));
        assert_eq!(path("tcp://127.0.0.1:1"), None);
    }
}
