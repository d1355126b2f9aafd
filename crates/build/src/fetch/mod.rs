//! Files from elsewhere, for `ADD` and for contexts: downloads ([`http`]), repositories ([`git`]) and
//! what is in archives ([`archive`]). What is read once and kept nowhere is [`incoming`].

mod archive;
mod git;
mod http;
mod incoming;

use std::io;
use std::path::{Path, PathBuf};

pub use archive::{is_archive, unpack};
pub use git::Repository;
pub use http::{Download, Downloads};
pub use incoming::Incoming;

/// Why something could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A server did not give it.
    #[error("failed to download {url}")]
    Http {
        /// From where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It is not what was asked for.
    #[error("digest mismatch {got}: {wanted}")]
    Digest {
        /// What came.
        got: String,
        /// What was asked for.
        wanted: String,
    },
    /// A checksum that is none.
    #[error("unsupported checksum \"{0}\": sha256:HEX is wanted")]
    Checksum(String),
    /// `git` is not installed.
    #[error("{0}: the program git is needed, and cannot be started")]
    NoGit(String, #[source] io::Error),
    /// `git` failed.
    #[error("{repository}: git {step} failed: {said}")]
    Git {
        /// Of which repository.
        repository: String,
        /// At what.
        step: String,
        /// What it said.
        said: String,
    },
    /// A reference that `git` would take for something else.
    #[error("{0}: neither a repository nor a reference may begin with a dash")]
    Dash(String),
    /// A repository that is a folder of this host.
    #[error(
        "{0}: a repository is fetched by http, https, ssh or git: files of this host are copied from \
         a context"
    )]
    OfThisHost(String),
    /// An archive is broken.
    #[error("failed to unpack {archive}")]
    Archive {
        /// Which.
        archive: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
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

type Result<T> = std::result::Result<T, FetchError>;

fn at(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.as_ref().to_owned();
    move |source| FetchError::Io { path, source }
}

/// Whether this names something elsewhere.
pub fn is_remote(text: &str) -> bool {
    is_http(text) || Repository::parse(text).is_some()
}

/// Whether this is a web address.
pub fn is_http(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}
