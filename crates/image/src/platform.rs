//! Which images fit this platform, by docker's rules for Windows.
//!
//! Of an index, entries of another architecture or of a Windows build above the host's do not
//! count; among the rest, those of the host's own build come first. The revision never matters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The `os.version` of a Windows: `10.0.20348.2700`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OsVersion {
    /// 10 since Windows 10.
    pub major: u32,
    /// 0 since Windows 10.
    pub minor: u32,
    /// What compatibility is judged by.
    pub build: u32,
    /// Monthly updates; never compared.
    pub revision: u32,
}

impl FromStr for OsVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let (major, minor, build, revision) = match parts.as_deref() {
            Ok(&[major, minor, build]) => (major, minor, build, 0),
            Ok(&[major, minor, build, revision]) => (major, minor, build, revision),
            _ => {
                let rule = "it must be major.minor.build or major.minor.build.revision";
                return Err(Error::invalid(format!("Windows version `{text}`"), rule));
            }
        };
        Ok(Self { major, minor, build, revision })
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

impl TryFrom<String> for OsVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<OsVersion> for String {
    fn from(version: OsVersion) -> Self {
        version.to_string()
    }
}

/// What an entry of an index says about the system that it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Candidate {
    /// `os`.
    pub os: String,
    /// `architecture`.
    pub architecture: String,
    /// `os.version`, which may be absent or nonsense.
    #[serde(rename = "os.version")]
    pub os_version: String,
}

/// The positions of the entries that fit `host`, the best first. `requested_os` is what a caller
/// asked for in words; asking for Windows lets entries of other systems through, behind.
pub fn select(candidates: &[Candidate], host: OsVersion, requested_os: Option<&str>) -> Vec<usize> {
    let asked = requested_os.filter(|os| !os.is_empty());
    let mut fitting: Vec<usize> = (0..candidates.len())
        .filter(|&i| candidates[i].architecture == "amd64")
        .filter(|&i| is_windows(asked.unwrap_or(&candidates[i].os)))
        .filter(|&i| !is_windows(&candidates[i].os) || !newer(&candidates[i].os_version, host))
        .collect();
    let own_build = format!("{}.{}.{}.", host.major, host.minor, host.build);
    fitting.sort_by_key(|&i| {
        let windows = is_windows(&candidates[i].os);
        (!windows, !(windows && candidates[i].os_version.starts_with(&own_build)))
    });
    fitting
}

/// Refuses an image whose Windows is newer than `host`.
pub fn check_version(os: &str, os_version: &str, host: OsVersion) -> Result<()> {
    if os != "windows" || !newer(os_version, host) {
        return Ok(());
    }
    let image: Vec<&str> = os_version.split('.').take(3).collect();
    let host = format!("{}.{}.{}", host.major, host.minor, host.build);
    Err(Error::TooNew { image: image.join("."), host })
}

fn is_windows(os: &str) -> bool {
    os.eq_ignore_ascii_case("windows")
}

/// A version too short or without a number for the build is taken for an old one.
fn newer(os_version: &str, host: OsVersion) -> bool {
    let build = os_version.split('.').nth(2).and_then(|part| part.parse::<i64>().ok());
    build.is_some_and(|build| build > i64::from(host.build))
}
