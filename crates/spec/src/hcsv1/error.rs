//! Why a spec has no document of the first schema.

use std::io;

use thiserror::Error;

/// Why a spec has no document of the first schema.
#[derive(Debug, Error)]
pub enum HcsV1Error {
    /// A Linux container.
    #[error("linux containers are not supported on this platform")]
    Linux,
    /// No `windows` section.
    #[error("OCI spec is invalid - it has no windows section")]
    NotWindows,
    /// No layers, or only the container's own.
    #[error("OCI spec is invalid - at least two LayerFolders must be supplied to the runtime")]
    Layers,
    /// The utility VM's image is named in the spec.
    #[error("runtime does not support an explicit utility VM path for Hyper-V containers")]
    ExplicitUtilityVm,
    /// No layer has a utility VM.
    #[error("utility VM image could not be found")]
    NoUtilityVm,
    /// The host would not say whether a layer has one.
    #[error("looking for a utility VM image at {path}: {error}")]
    Stat {
        /// The path.
        path: String,
        /// The host's reason.
        error: io::Error,
    },
    /// A root path where there is a VM.
    #[error("OCI spec is invalid - Root.Path must be omitted for a Hyper-V container")]
    HyperVRoot,
    /// No root path where there is none.
    #[error(r"OCI spec is invalid - Root.Path '' must be a volume GUID path in the format '\\?\Volume{{GUID}}\'")]
    NoRoot,
    /// A read-only root.
    #[error("OCI spec is invalid - Root.Readonly must not be set on Windows")]
    ReadonlyRoot,
    /// A mount with a type.
    #[error("OCI spec is invalid - Mount.Type '{0}' must not be set")]
    MountType(String),
    /// Devices in a VM.
    #[error("device assignment is not supported for HyperV containers")]
    HyperVDevice,
    /// A device that is not a class.
    #[error("device assignment of type '{0}' is not supported")]
    DeviceType(String),
}
