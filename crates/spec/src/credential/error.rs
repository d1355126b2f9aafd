//! Why a security option gives no credential spec.

use std::io;

use thiserror::Error;

use super::REGISTRY_KEY;

/// Why a security option gives no credential spec.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// No `=`.
    #[error("invalid security option: no equals sign in supplied value {0}")]
    NoEquals(String),
    /// Another option than `credentialspec`.
    #[error("security option not supported: {0}")]
    Unsupported(String),
    /// No known scheme, or nothing behind it.
    #[error(
        "invalid credential spec security option - value must be prefixed by 'file://', \
         'registry://', or 'raw://' followed by a non-empty value"
    )]
    Form,
    /// `file://` with a path that does not depend on the folder.
    #[error("invalid credential spec: file:// path cannot be absolute")]
    Absolute,
    /// `file://` with a path that leaves the folder.
    #[error("invalid credential spec: file:// path must be under {0}")]
    Outside(String),
    /// The file cannot be read.
    #[error("failed to load credential spec for container {container}: {error}")]
    File {
        /// The container's id.
        container: String,
        /// The host's reason.
        error: io::Error,
    },
    /// The registry's key cannot be opened.
    #[error(
        "failed handling spec \"{name}\" for container {container} - registry key {REGISTRY_KEY} \
         could not be opened: {error}"
    )]
    RegistryKey {
        /// The value's name.
        name: String,
        /// The container's id.
        container: String,
        /// The host's reason.
        error: io::Error,
    },
    /// The registry has no such value.
    #[error("registry credential spec \"{name}\" for container {container} was not found")]
    RegistryMissing {
        /// The value's name.
        name: String,
        /// The container's id.
        container: String,
    },
    /// The registry's value cannot be read.
    #[error(
        "error reading credential spec \"{name}\" from registry for container {container}: {error}"
    )]
    RegistryValue {
        /// The value's name.
        name: String,
        /// The container's id.
        container: String,
        /// The host's reason.
        error: io::Error,
    },
    /// The orchestrator's store does not give it.
    #[error("error getting value from config store: {0}")]
    Config(io::Error),
}
