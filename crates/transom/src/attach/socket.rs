//! Where a container's monitor listens.

use std::io;
use std::path::Path;

use engine::os::streams::{self, Listener, Stream};

/// Listens for container `id` in `folder`, which must exist.
pub fn listen(folder: &Path, id: &str) -> io::Result<Listener> {
    streams::listen(folder, name(id))
}

/// Connects to it.
pub async fn connect(folder: &Path, id: &str) -> io::Result<Stream> {
    streams::connect(folder, name(id)).await
}

/// Removes it; one that is gone is a success.
pub fn remove(folder: &Path, id: &str) -> io::Result<()> {
    streams::remove(folder, name(id))
}

fn name(id: &str) -> &str {
    // 16 of 64 hexadecimal digits: two containers of one host never share them.
    id.get(..16).unwrap_or(id)
}
