//! What an administrator may decide about images, from `/etc/transom/config.json` and, over it,
//! `$TRANSOM_ROOT/config.json`. Members of those files that are for others are passed over.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, IoContext, Result};
use crate::name::{BASE_NAME, ImageName};

const SYSTEM_FILE: &str = "/etc/transom/config.json";
const FILE: &str = "config.json";

/// Decisions about images.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names that stand for other images as long as no image of that very name is here.
    pub image_map: BTreeMap<ImageName, ImageName>,
    /// Registries (`host` or `host:port`) that may be spoken to without TLS. Loopback always may.
    pub insecure_registries: Vec<String>,
    /// How large the files of one layer may be together.
    pub max_unpacked_bytes: u64,
    /// How many entries one layer may have.
    pub max_entries: u64,
    /// How many layers of one image are downloaded or uploaded at once.
    pub max_concurrent_transfers: usize,
    /// The folder of docker's `config.json`; none: `$DOCKER_CONFIG`, else `~/.docker`.
    pub docker_config: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            image_map: default_map(),
            insecure_registries: Vec::new(),
            max_unpacked_bytes: 128 << 30,
            max_entries: 2_000_000,
            max_concurrent_transfers: 3,
            docker_config: None,
        }
    }
}

/// A file's part of the settings. An entry of the map with `null` takes a default one out.
#[derive(Debug, Default, Deserialize)]
struct Given {
    image_map: Option<BTreeMap<String, Option<String>>>,
    insecure_registries: Option<Vec<String>>,
    max_unpacked_bytes: Option<u64>,
    max_entries: Option<u64>,
    max_concurrent_transfers: Option<usize>,
    docker_config: Option<PathBuf>,
}

impl Settings {
    /// The defaults, changed by the system's file and then by that of `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let mut settings = Self::default();
        for file in [Path::new(SYSTEM_FILE), &root.join(FILE)] {
            let text = match fs::read(file) {
                Ok(text) => text,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e).at("read", file),
            };
            let given: Given = serde_json::from_slice(&text)
                .map_err(Error::json(format!("settings `{}`", file.display())))?;
            settings.take(given).map_err(|e| {
                Error::invalid(format!("settings `{}`", file.display()), e.to_string())
            })?;
        }
        Ok(settings)
    }

    fn take(&mut self, given: Given) -> Result<()> {
        for (from, to) in given.image_map.unwrap_or_default() {
            let from = ImageName::parse(&from)?;
            match to {
                Some(to) => self.image_map.insert(from, ImageName::parse(&to)?),
                None => self.image_map.remove(&from),
            };
        }
        if given.max_concurrent_transfers == Some(0) {
            return Err(Error::invalid("max_concurrent_transfers", "it must be at least 1"));
        }
        self.insecure_registries.extend(given.insecure_registries.unwrap_or_default());
        self.max_unpacked_bytes = given.max_unpacked_bytes.unwrap_or(self.max_unpacked_bytes);
        self.max_entries = given.max_entries.unwrap_or(self.max_entries);
        self.max_concurrent_transfers =
            given.max_concurrent_transfers.unwrap_or(self.max_concurrent_transfers);
        self.docker_config = given.docker_config.or(self.docker_config.take());
        Ok(())
    }
}

/// Microsoft's bases by their long-lived tags: what Dockerfiles begin with.
fn default_map() -> BTreeMap<ImageName, ImageName> {
    const TAGS: [&str; 8] = [
        "ltsc2019",
        "ltsc2022",
        "ltsc2025",
        "1809",
        "20H2",
        "10.0.17763",
        "10.0.20348",
        "10.0.26100",
    ];
    let name = |text: &str| ImageName::parse(text).expect("the table holds valid names");
    let mut map = BTreeMap::new();
    for repository in ["nanoserver", "servercore", "server"] {
        for tag in TAGS {
            map.insert(
                name(&format!("mcr.microsoft.com/windows/{repository}:{tag}")),
                name(BASE_NAME),
            );
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_adds_to_the_map_and_takes_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{"image_map":{"a/b:1":"transom/base","mcr.microsoft.com/windows/nanoserver:ltsc2022":null},"max_entries":5,"other":{}}"#;
        fs::write(dir.path().join(FILE), text).unwrap();
        let settings = Settings::read(dir.path()).unwrap();
        let has = |name| settings.image_map.contains_key(&ImageName::parse(name).unwrap());
        assert!(has("a/b:1") && has("mcr.microsoft.com/windows/servercore:ltsc2022"));
        assert!(!has("mcr.microsoft.com/windows/nanoserver:ltsc2022"));
        assert_eq!(settings.max_entries, 5);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), r#"{"image_map":{"A B":"x"}}"#).unwrap();
        let error = Settings::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains("A B"), "{error}");
    }
}
