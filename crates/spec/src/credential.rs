//! Credential specs: `--security-opt credentialspec=<scheme>://<value>`.
//!
//! The text is passed on as it is; what the engine cannot honour in it is the engine's to refuse.
//! On a Windows host the confinement of `file://` compares text, as Docker's does, so that
//! `..\CredentialSpecsEvil\x` passes; on a Unix host it compares path elements.

use std::io;

use thiserror::Error;

use crate::fold;
use crate::host::{HostFacts, Lookups, PathStyle, RegistryError};
use crate::winpath;

const FOLDER: &str = "CredentialSpecs";
const KEY: &str = "credentialspec";
/// Below `HKLM`.
pub const REGISTRY_KEY: &str =
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization\Containers\CredentialSpecs";

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

/// The credential spec that `options` come to: the last valid one, while the first bad one fails.
/// An empty spec takes back what an option before it gave.
pub fn of(
    options: &[String],
    container: &str,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Option<String>, CredentialError> {
    let mut spec = None;
    for option in options {
        let text = Source::parse(option)?.read(container, facts, host)?;
        spec = (!text.is_empty()).then_some(text);
    }
    Ok(spec)
}

/// Where a credential spec is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'t> {
    /// The text itself.
    Raw(&'t str),
    /// A file below the daemon's folder.
    File(&'t str),
    /// A value in the registry.
    Registry(&'t str),
    /// A config of the orchestrator.
    Config(&'t str),
}

impl<'t> Source<'t> {
    /// Reads a security option; touches nothing.
    pub fn parse(option: &'t str) -> Result<Self, CredentialError> {
        let (key, value) =
            option.split_once('=').ok_or_else(|| CredentialError::NoEquals(option.to_owned()))?;
        if !fold::eq(key, KEY) {
            return Err(CredentialError::Unsupported(key.to_owned()));
        }
        let (scheme, rest) = value.split_once("://").ok_or(CredentialError::Form)?;
        if rest.is_empty() {
            return Err(CredentialError::Form);
        }
        match fold::lower(scheme).as_str() {
            "raw" => Ok(Self::Raw(rest)),
            "file" => Ok(Self::File(rest)),
            "registry" => Ok(Self::Registry(rest)),
            "config" => Ok(Self::Config(rest)),
            _ => Err(CredentialError::Form),
        }
    }

    fn read(
        self,
        container: &str,
        facts: &HostFacts,
        host: &impl Lookups,
    ) -> Result<String, CredentialError> {
        match self {
            Self::Raw(text) => Ok(text.to_owned()),
            Self::File(path) => file(path, container, facts, host),
            Self::Registry(name) => registry(name, container, host),
            // Outside an orchestrator the scheme does not exist.
            Self::Config(id) => {
                host.config(id).ok_or(CredentialError::Form)?.map_err(CredentialError::Config)
            }
        }
    }
}

fn file(
    path: &str,
    container: &str,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<String, CredentialError> {
    let full = match facts.path_style {
        PathStyle::Windows => below_windows(&facts.root, path)?,
        PathStyle::Unix => below_unix(&facts.root, path)?,
    };
    host.read_credential_spec(&full)
        .map_err(|error| CredentialError::File { container: container.to_owned(), error })
}

fn below_windows(root: &str, path: &str) -> Result<String, CredentialError> {
    let path = winpath::clean(path);
    if winpath::is_absolute(&path) {
        return Err(CredentialError::Absolute);
    }
    let folder = winpath::join(root, FOLDER);
    let full = winpath::join(&folder, &path);
    if full.starts_with(&folder) { Ok(full) } else { Err(CredentialError::Outside(folder)) }
}

/// Either slash separates, so that an option works on both kinds of host.
fn below_unix(root: &str, path: &str) -> Result<String, CredentialError> {
    if winpath::is_absolute(path) || path.starts_with('/') {
        return Err(CredentialError::Absolute);
    }
    let folder = PathStyle::Unix.join(root, &[FOLDER]);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(winpath::is_separator) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| CredentialError::Outside(folder.clone()))?;
            }
            part => parts.push(part),
        }
    }
    Ok(PathStyle::Unix.join(&folder, &parts))
}

fn registry(name: &str, container: &str, host: &impl Lookups) -> Result<String, CredentialError> {
    let (name, container) = (name.to_owned(), container.to_owned());
    host.registry_credential_spec(&name).map_err(|failure| match failure {
        RegistryError::Open(error) => CredentialError::RegistryKey { name, container, error },
        RegistryError::NotFound => CredentialError::RegistryMissing { name, container },
        RegistryError::Read(error) => CredentialError::RegistryValue { name, container, error },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_host_confines_files_by_path_element() {
        let root = "/var/lib/transom";
        assert_eq!(
            below_unix(root, r"sub\..\a.json").unwrap(),
            "/var/lib/transom/CredentialSpecs/a.json"
        );
        for path in ["../CredentialSpecsEvil/x", r"..\x", "a/../../x"] {
            assert!(matches!(below_unix(root, path), Err(CredentialError::Outside(_))), "{path}");
        }
        for path in ["/etc/passwd", r"C:\x", r"\\srv\share"] {
            assert!(matches!(below_unix(root, path), Err(CredentialError::Absolute)), "{path}");
        }
    }
}
