//! Isolation: what was asked for, and what it comes to.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The word as asked for; its spelling is kept for `inspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Isolation(pub String);

/// How a container is kept from its host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IsolationMode {
    /// A silo on the host's kernel.
    #[default]
    Process,
    /// A utility VM of its own.
    HyperV,
}

/// The word is none of `default`, `process`, `hyperv`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid isolation '{0}' on windows")]
pub struct UnknownIsolation(pub String);

impl Isolation {
    /// Nothing, or `default`, was asked for.
    pub fn is_default(&self) -> bool {
        self.0.is_empty() || self.0.eq_ignore_ascii_case("default")
    }

    /// The mode that was named, if one was.
    pub fn explicit(&self) -> Result<Option<IsolationMode>, UnknownIsolation> {
        match self.0.to_ascii_lowercase().as_str() {
            "" | "default" => Ok(None),
            "process" => Ok(Some(IsolationMode::Process)),
            "hyperv" => Ok(Some(IsolationMode::HyperV)),
            _ => Err(UnknownIsolation(self.0.clone())),
        }
    }

    /// The mode in force on a host with this default.
    pub fn resolve(&self, default: IsolationMode) -> Result<IsolationMode, UnknownIsolation> {
        Ok(self.explicit()?.unwrap_or(default))
    }
}

impl IsolationMode {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::HyperV => "hyperv",
        }
    }

    /// The daemon's default: Hyper-V on a client edition of Windows, process on a server and on
    /// Linux, unless a daemon option says otherwise (`default` leaves the edition's own).
    pub fn daemon_default(
        client_edition: bool,
        option: &Isolation,
    ) -> Result<Self, UnknownIsolation> {
        option.resolve(if client_edition { Self::HyperV } else { Self::Process })
    }
}

impl From<IsolationMode> for Isolation {
    fn from(mode: IsolationMode) -> Self {
        Self(mode.as_str().to_owned())
    }
}
