//! Dockerfile builds for Windows images, and the executor that they run on.
//!
//! [`dockerfile`] is the language: text to instructions with their lines. [`paths`] holds the rules
//! for the paths of Windows images, of `BuildKit` and of docker's older builder ([`classic`]), which
//! also serves changes at a commit; [`ignore`] decides what of a context is not there. None of these
//! touches the host. [`check`] tells what should be written in another way. [`executor`] runs processes in containers, [`fetch`] gets what is elsewhere,
//! [`Builder`] makes images.
//!
//! Everything is the same whatever the OS: it is written against `engine`'s traits.

mod builder;
pub mod check;
pub mod classic;
pub mod dockerfile;
mod error;
pub mod executor;
pub mod fetch;
mod files;
pub mod ignore;
mod kept;
pub mod output;
pub mod paths;
pub mod progress;
mod registry;
pub mod remote;
mod truth;
mod view;
pub mod workplace;

use std::io;
use std::path::{Path, PathBuf};

pub use builder::{Builder, Ground, NamedContext, Options, Secret, change, context_key};
pub use error::{BuildError, Cause};
pub use files::CopyError;
pub use kept::{Kept, KeptKind, kept};
pub use registry::{RegistryError, changes as registry_changes};

/// A file in a folder, by a path out of which no link leads.
pub fn file_in(folder: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    Ok(match view::View::folder(folder).find(path)? {
        Some(view::Node::File(path)) => Some(path),
        _ => None,
    })
}

/// A folder in a folder, in the same way.
pub fn folder_in(folder: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    Ok(match view::View::folder(folder).find(path)? {
        Some(view::Node::Directory(found)) => found.single().map(Path::to_path_buf),
        _ => None,
    })
}

/// Does on a thread of its own what waits for files.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
