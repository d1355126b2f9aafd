//! Credential specs: `--security-opt credentialspec=<scheme>://<value>`.
//!
//! The text is passed on as it is; what the engine cannot honour in it is the engine's to refuse.
//! On a Windows host the confinement of `file://` compares text, as Docker's does, so that
//! `..\CredentialSpecsEvil\x` passes; on a Unix host it compares path elements.

mod confine;
mod error;

pub use error::CredentialError;

use confine::{below_unix, below_windows};

use crate::fold;
use crate::host::{HostFacts, Lookups, PathStyle, RegistryError};

const KEY: &str = "credentialspec";
/// Below `HKLM`.
pub const REGISTRY_KEY: &str =
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization\Containers\CredentialSpecs";

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

fn registry(name: &str, container: &str, host: &impl Lookups) -> Result<String, CredentialError> {
    let (name, container) = (name.to_owned(), container.to_owned());
    host.registry_credential_spec(&name).map_err(|failure| match failure {
        RegistryError::Open(error) => CredentialError::RegistryKey { name, container, error },
        RegistryError::NotFound => CredentialError::RegistryMissing { name, container },
        RegistryError::Read(error) => CredentialError::RegistryValue { name, container, error },
    })
}
