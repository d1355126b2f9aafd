//! Why a build failed, and at which line.

use std::io;
use std::path::PathBuf;

use crate::dockerfile::Fault;
use crate::executor::RunError;
use crate::fetch::FetchError;
use crate::files::CopyError;
use crate::ignore::BadPattern;
use crate::paths::PathError;
use crate::registry::RegistryError;
use crate::remote::CacheError;

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The Dockerfile, or what it asks for, is refused.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An ignore file is broken.
    #[error(transparent)]
    Ignore(#[from] BadPattern),
    /// A step failed.
    #[error("dockerfile line {line}: {what}")]
    Step {
        /// Its first line.
        line: usize,
        /// Its last line.
        last_line: usize,
        /// What was being done.
        what: String,
        /// What it said.
        said: String,
        /// Why.
        #[source]
        cause: Box<Cause>,
    },
    /// Something else of the build failed, or it was given up.
    #[error("canceled")]
    Stopped,
    /// A push of something that has no name.
    #[error("tag is needed when pushing to registry: name the image with -t, or with name=")]
    Unnamed,
    /// An archive that has no place for them.
    #[error("docker's archives have no place for attestations: use type=oci, or ask for none")]
    NoAttestations,
    /// Annotations of an index that is not made.
    #[error(
        "index annotations not supported for single platform export: without attestations there \
         is no index"
    )]
    NoIndex,
    /// A cache outside the store.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The store of images failed.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// Standard output, or the files of the image.
    #[error("reading or writing the image's files")]
    Files(#[from] io::Error),
    /// A file of the build could not be read or written.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// What it ran.
    #[error(transparent)]
    Run(Box<RunError>),
    /// What it copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// What it fetches or unpacks.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A path that it names.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The store of images.
    #[error(transparent)]
    Image(Box<image::Error>),
    /// The registry that it left.
    #[error("reading the registry")]
    Registry(#[from] RegistryError),
    /// The registry that it starts from.
    #[error("laying the image's registry")]
    Chain(#[from] image::hive::chain::Error),
    /// What it asks for; whoever tells of a step tells its line.
    #[error("{}", .0.rule)]
    Fault(Fault),
    /// A folder of the build.
    #[error("a folder of the build")]
    Io(#[from] io::Error),
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<RunError> for Cause {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<image::Error> for Cause {
    fn from(error: image::Error) -> Self {
        Self::Image(Box::new(error))
    }
}
