//! Why a mount is refused. The texts are the ones that users of Docker know.

use thiserror::Error;

use super::NameError;

/// A mount that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MountError {
    /// The string has none of the forms that a mount can have.
    #[error("invalid volume specification: '{0}'")]
    Form(String),
    /// The string has a form, and what it asks for breaks a rule.
    #[error(
        "invalid volume specification: '{raw}': invalid mount config for type \"{kind}\": {rule}"
    )]
    Raw {
        /// The string.
        raw: String,
        /// The kind that it came to.
        kind: String,
        /// The rule that it breaks.
        rule: Rule,
    },
    /// The object breaks a rule.
    #[error("invalid mount config for type \"{kind}\": {rule}")]
    Config {
        /// The kind that it names.
        kind: String,
        /// The rule that it breaks.
        rule: Rule,
    },
    /// A lone path names a file of the host: someone meant to map it.
    #[error("file '{0}' cannot be mapped. Only directories can be mapped on this platform")]
    LoneFile(String),
    /// Two mounts for one place.
    #[error("Duplicate mount point: {0}")]
    Duplicate(String),
    /// A place that the image or the container declares to be a volume.
    #[error("Unrecognised volume spec: {0}")]
    Declared(Box<MountError>),
    /// `--volumes-from ""`.
    #[error("volumes-from specification cannot be an empty string")]
    NoContainer,
    /// Neither `ro` nor `rw`.
    #[error("invalid mode: {0}")]
    Mode(String),
    /// Memory file systems do not exist on Windows.
    #[error("{0} does not support tmpfs")]
    Tmpfs(&'static str),
}

/// The rule that a mount breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rule {
    /// A member is missing.
    #[error("field {0} must not be empty")]
    Missing(&'static str),
    /// A member belongs to another kind of mount.
    #[error("field {0} must not be specified")]
    Extra(&'static str),
    /// The system drive cannot be mounted over.
    #[error("destination path ({0}) cannot be 'c:' or 'c:\\'")]
    SystemDrive(String),
    /// No Windows path.
    #[error("invalid mount path: '{0}'")]
    Path(String),
    /// No path that leads somewhere by itself.
    #[error("invalid mount path: '{0}' mount path must be absolute")]
    Relative(String),
    /// Nothing there.
    #[error("bind source path does not exist: {0}")]
    NoSource(String),
    /// Something there, but a file.
    #[error("source path must be a directory")]
    NotADirectory,
    /// The host would not say what is there.
    #[error("{0}")]
    Stat(String),
    /// Windows has no mount propagation.
    #[error("invalid propagation mode: {0}")]
    Propagation(String),
    /// A part of a volume that has no name yet.
    #[error("must not set Subpath when using anonymous volumes")]
    AnonymousSubpath,
    /// A part that is not inside.
    #[error("subpath must be a relative path within the volume")]
    Subpath,
    /// No name for a volume.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No pipe's path.
    #[error("'{0}' is not a valid pipe path")]
    Pipe(String),
    /// Not `bind`, `volume` or `npipe`.
    #[error("mount type unknown")]
    Kind,
}

impl MountError {
    /// A string that was asked for as `-v`, rather than an object.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Form(_) | Self::Raw { .. } | Self::LoneFile(_) | Self::Declared(_))
    }
}
