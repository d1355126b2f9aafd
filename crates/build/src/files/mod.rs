//! `COPY` and `ADD`: which files ([`selection`]), whose they are ([`descriptors`]), and writing them
//! into the upper directory of a new layer ([`write`]).

mod descriptors;
mod selection;
mod write;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use image::Digest;

use crate::paths::PathError;

pub(crate) use selection::{Filter, Kept, Selection};
pub(crate) use write::{make, make_for};

/// Why files cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A source that is not there.
    #[error("\"{0}\": not found")]
    Missing(String),
    /// Several files for one name.
    #[error(
        "When using COPY with more than one source file, the destination must be a directory and end with a / or \\"
    )]
    NotADirectory,
    /// A name that Windows cannot hold.
    #[error("`{0}` cannot be a file's name on Windows")]
    Name(String),
    /// A path that cannot be meant.
    #[error(transparent)]
    Path(#[from] PathError),
    /// What a layer says of its files cannot be read.
    #[error(transparent)]
    Layer(#[from] Box<image::Error>),
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, CopyError>;

pub(crate) fn at(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.as_ref().to_owned();
    move |source| CopyError::Io { path, source }
}

/// The digest of a file's content.
pub(crate) fn digest(path: &Path) -> io::Result<Digest> {
    Digest::of_reader(File::open(path)?)
}
