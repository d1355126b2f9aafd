//! What can go wrong with images, in the words that a user reads.

use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something about an image failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No image goes by that name or id here.
    #[error("no such image: {0}")]
    NoSuchImage(String),
    /// A prefix of an id that several images begin with.
    #[error("`{0}` is the beginning of more than one image id")]
    Ambiguous(String),
    /// Not an image name.
    #[error("invalid image name `{name}`: {rule}")]
    InvalidName {
        /// As given.
        name: String,
        /// What it breaks.
        rule: String,
    },
    /// A container or another name still needs it.
    #[error("image `{image}` cannot be removed: {by}")]
    InUse {
        /// As given.
        image: String,
        /// What holds it.
        by: String,
    },
    /// A file operation.
    #[error("failed to {op} `{}`", path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A stream that was being read or written.
    #[error("failed to {op}")]
    Stream {
        /// What was tried.
        op: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Content that is not what its digest promises.
    #[error("{what} has digest {actual}, but {expected} was promised")]
    WrongDigest {
        /// Which content.
        what: String,
        /// What was promised.
        expected: Digest,
        /// What was found.
        actual: Digest,
    },
    /// Content that is not as long as its descriptor says.
    #[error("{what} is {actual} bytes long, but {expected} were promised")]
    WrongSize {
        /// Which content.
        what: String,
        /// What was promised.
        expected: u64,
        /// What was found.
        actual: u64,
    },
    /// A document of an image that cannot be used.
    #[error("invalid {what}: {rule}")]
    Invalid {
        /// Which document.
        what: String,
        /// What is wrong with it.
        rule: String,
    },
    /// JSON that does not parse.
    #[error("invalid {what}")]
    Json {
        /// Which document.
        what: String,
        /// The parser's words.
        #[source]
        source: serde_json::Error,
    },
    /// An entry of a layer that must not be unpacked.
    #[error("layer {layer}: entry `{entry}`: {rule}")]
    Entry {
        /// The layer's diff id, shortened.
        layer: String,
        /// The entry's name as the archive gives it.
        entry: String,
        /// What it breaks.
        rule: String,
    },
    /// A layer that is refused as a whole.
    #[error("layer {layer}: {rule}")]
    Layer {
        /// The layer's diff id, shortened.
        layer: String,
        /// What it breaks.
        rule: String,
    },
    /// An image for another system.
    #[error("`{image}` is an image for {platform}; only windows/amd64 images run here")]
    WrongPlatform {
        /// Its name.
        image: String,
        /// What it is for.
        platform: String,
    },
    /// An image whose Windows is newer than the one that the platform stands for.
    #[error("a Windows version {image}-based image is incompatible with a {host} host")]
    TooNew {
        /// `os.version` of the image.
        image: String,
        /// `major.minor.build` of the platform.
        host: String,
    },
    /// A registry that refused or could not be reached.
    #[error("failed to {op} `{image}`")]
    Registry {
        /// What was tried.
        op: &'static str,
        /// For which image.
        image: String,
        /// The client's words.
        #[source]
        source: Box<oci_client::errors::OciDistributionError>,
    },
    /// A download that gave nothing usable from any of its addresses.
    #[error("failed to download {digest}: {reason}")]
    Download {
        /// The blob.
        digest: Digest,
        /// Every address and why it did not do.
        reason: String,
    },
    /// Credentials that cannot be had.
    #[error("no credentials for `{registry}`: {reason}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// Work on a thread that did not come back.
    #[error("the work was cut off")]
    CutOff,
}

impl Error {
    /// True when the image does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NoSuchImage(_))
    }

    /// True when something else still needs what was to be removed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    pub(crate) fn invalid(what: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), rule: rule.into() }
    }

    pub(crate) fn json(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |source| Self::Json { what, source }
    }
}

/// Adds what was tried on which path to an I/O error.
pub(crate) trait IoContext<T> {
    fn at(self, op: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> IoContext<T> for std::result::Result<T, E> {
    fn at(self, op: &'static str, path: &Path) -> Result<T> {
        self.map_err(|e| Error::Io { op, path: path.to_owned(), source: e.into() })
    }
}

/// Adds what was tried to an error of a stream.
pub(crate) fn stream<E: Into<io::Error>>(op: &'static str) -> impl FnOnce(E) -> Error {
    move |e| Error::Stream { op, source: e.into() }
}
