//! What was asked for, and where it comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spec::api::{Config, EndpointSettings, HostConfig};

/// A container as it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Without docker's leading `/`.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The image's id, `sha256:...`.
    pub image_id: String,
    /// What runs: the program alone.
    pub path: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Image and flags together.
    pub config: Config,
    /// What of the host it gets.
    pub host_config: HostConfig,
    /// What was asked of its endpoints, by network.
    #[serde(default)]
    pub networks: BTreeMap<String, EndpointSettings>,
    /// Secrets, by id.
    #[serde(default)]
    pub secrets: Vec<Given>,
    /// Configs, by id.
    #[serde(default)]
    pub configs: Vec<Given>,
    /// Volumes and binds, sorted so that outer ones come first.
    #[serde(default)]
    pub mounts: Vec<MountPoint>,
    /// Layer folders, the nearest parent first.
    pub layers: Vec<PathBuf>,
    /// What Windows the image was made for.
    #[serde(default)]
    pub os_version: String,
}

impl Record {
    /// How it is shown.
    pub fn short_id(&self) -> &str {
        short(&self.id)
    }
}

/// A secret or config: a file of the host, read when the container starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Its id, and the name of its file inside.
    pub id: String,
    /// Where it comes from.
    pub source: PathBuf,
    /// Where the application looks for it.
    pub target: String,
}

/// The first twelve digits of an id, with or without `sha256:`.
pub fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

/// A mount, decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountPoint {
    /// What it is.
    pub kind: MountKind,
    /// A volume's name.
    pub name: Option<String>,
    /// On the host.
    pub source: String,
    /// Inside.
    pub destination: String,
    /// Not read-only.
    pub writable: bool,
    /// A volume that goes when the container goes with `rm -v`.
    pub anonymous: bool,
}

/// What a mount is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A host directory or file.
    #[default]
    Bind,
    /// A volume of Transom's.
    Volume,
    /// A named pipe.
    Npipe,
}

impl MountKind {
    /// As docker writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Npipe => "npipe",
        }
    }
}

/// A new id.
pub fn new_id() -> String {
    let mut bytes = [0; 32];
    crate::random::fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(64), |id, byte| id + &format!("{byte:02x}"))
}

/// The text is a full id.
pub fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Docker's rule for names, which is also safe as a file name.
pub fn check_name(name: &str) -> Result<()> {
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.len() > 1
        && name.len() <= 200
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !good {
        bail!("invalid container name ({name}): only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed");
    }
    Ok(())
}
