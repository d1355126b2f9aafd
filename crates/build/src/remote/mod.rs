//! Caches outside the store: where they are (`parse`), how they are written (`write`), and what is
//! read of them (`read`).
//!
//! `BuildKit`'s layout: a manifest whose layers are the layers and whose configuration (`config`)
//! tells which key made which of them. In a folder it is an OCI layout, in a registry it has a tag;
//! the inline form is the same configuration inside that of the image. Keys are content: whoever has
//! the same instructions on the same files finds the same keys.

mod config;
mod parse;
mod read;
mod write;

use std::path::{Path, PathBuf};

use image::ImageName;

pub(crate) use config::inline;
pub use parse::Options;
pub(crate) use read::Remote;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Where a cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An OCI layout, and the tag in it.
    Folder(PathBuf, String),
    /// A name in a registry.
    Registry(ImageName),
    /// Inside the image.
    Inline,
}

/// A cache to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheTo {
    /// Where.
    pub place: Place,
    /// Every layer that the build went by, not only those of the image.
    pub max: bool,
    /// A failure is told, and the build goes well.
    pub ignore_error: bool,
}

/// Why a cache cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the cache {place}")]
pub struct CacheError {
    /// Which.
    pub place: String,
    /// Why.
    #[source]
    pub cause: CacheFault,
}

/// What is wrong with a cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// The store, or the registry.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// A file.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A document.
    #[error("a document of it")]
    Json(#[from] serde_json::Error),
    /// What should be there is not.
    #[error("{0}")]
    Missing(String),
}

type Result<T> = std::result::Result<T, CacheFault>;

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path, tag) => write!(f, "type=local,dest={},tag={tag}", path.display()),
            Self::Registry(name) => write!(f, "type=registry,ref={}", name.familiar()),
            Self::Inline => f.write_str("type=inline"),
        }
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CacheFault {
    let path = path.to_owned();
    move |source| CacheFault::Io { path, source }
}
