//! Why settings do not become a spec.

use std::io;

use thiserror::Error;

use crate::create::Refused;
use crate::credential::CredentialError;
use crate::devices::DeviceError;
use crate::isolation::UnknownIsolation;
use crate::mounts::MountError;
use crate::validate::Invalid;

/// Whose fault an error is: what an API would answer it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request is wrong.
    InvalidParameter,
    /// It does not go with what already is.
    Conflict,
    /// The rest. Docker counts everything here that comes up only when a container starts.
    System,
}

impl Class {
    /// The HTTP status of an answer of this class.
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidParameter => 400,
            Self::Conflict => 409,
            Self::System => 500,
        }
    }
}

/// Why settings do not become a spec.
#[derive(Debug, Error)]
pub enum SpecError {
    /// The request cannot be read, or asks for what Windows does not have.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A setting breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A mount breaks a rule.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// An isolation that does not exist.
    #[error(transparent)]
    Isolation(#[from] UnknownIsolation),
    /// The image is for another system.
    #[error("operating system is not supported")]
    OperatingSystem,
    /// The layers cannot be found.
    #[error("GetLayerFolders failed: container {container}: {error}")]
    LayerFolders {
        /// The container's id.
        container: String,
        /// The host's reason.
        error: io::Error,
    },
    /// A silo's file system was not mounted.
    #[error("createSpecWindowsFields: BaseFS of container {container} is unexpectedly empty")]
    NoBaseFs {
        /// The container's id.
        container: String,
    },
    /// A snapshotter's mount has no volume behind it.
    #[error(
        "createSpecWindowsFields: Failed to get backing device of BaseFS of container \
         {container}: {reason}"
    )]
    Backing {
        /// The container's id.
        container: String,
        /// What is missing.
        reason: String,
    },
    /// A security option gives no credential spec.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A device cannot be named so.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl SpecError {
    /// Whose fault it is.
    pub fn class(&self) -> Class {
        match self {
            // A mount string is first read when the container is made, past every check of form.
            Self::Mount(error) if error.is_raw() => Class::System,
            Self::Refused(_) | Self::Invalid(_) | Self::Mount(_) | Self::Isolation(_) => {
                Class::InvalidParameter
            }
            Self::OperatingSystem
            | Self::LayerFolders { .. }
            | Self::NoBaseFs { .. }
            | Self::Backing { .. }
            | Self::Credential(_)
            | Self::Device(_) => Class::System,
        }
    }

    /// The setting at fault, by its name in the API.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.field(),
            Self::Invalid(error) => error.field(),
            Self::Mount(MountError::Declared(_)) => "Volumes",
            Self::Mount(error) if error.is_raw() => "Binds",
            Self::Mount(MountError::Config { .. } | MountError::Duplicate(_)) => "Mounts",
            Self::Mount(MountError::Tmpfs(_)) => "Tmpfs",
            Self::Mount(_) => "VolumesFrom",
            Self::Isolation(_) => "Isolation",
            Self::OperatingSystem
            | Self::LayerFolders { .. }
            | Self::NoBaseFs { .. }
            | Self::Backing { .. } => "Config.Image",
            Self::Credential(_) => "SecurityOpt",
            Self::Device(_) => "Devices",
        }
    }
}
