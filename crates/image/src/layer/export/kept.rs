//! What the archives of the layers below said about the files that a scratch changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::{Error, IoContext, Result};
use crate::layer::fold;

/// A line of a `meta.jsonl`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Kept {
    path: String,
    #[serde(default)]
    pub(super) link: String,
    #[serde(default)]
    pax: BTreeMap<String, String>,
    #[serde(default)]
    streams: BTreeMap<String, String>,
}

impl Kept {
    /// Records that still hold for a file that was changed: not its times.
    pub(super) fn lasting(&self) -> impl Iterator<Item = (&str, &str)> {
        let lasting = |key: &str| key.starts_with("MSWINDOWS.") || key == "LIBARCHIVE.creationtime";
        self.pax.iter().filter(move |(k, _)| lasting(k)).map(|(k, v)| (k.as_str(), v.as_str()))
    }

    pub(super) fn record(&self, key: &str) -> Option<&str> {
        self.pax.get(key).map(String::as_str)
    }

    /// Alternate data streams, by name.
    pub(super) fn streams(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        self.streams
            .iter()
            .filter_map(|(name, data)| Some((name.as_str(), STANDARD.decode(data).ok()?)))
    }
}

/// By folded path, for those of `paths` that some layer knows; the nearest layer's word counts.
pub(super) fn read(parents: &[PathBuf], paths: &HashSet<String>) -> Result<HashMap<String, Kept>> {
    let mut found = HashMap::new();
    for parent in parents {
        each(parent, |key, kept| {
            if paths.contains(&key) {
                found.entry(key).or_insert(kept);
            }
        })?;
    }
    Ok(found)
}

/// Whatever the archive of a layer said, by folded path; nothing of a folder without a word of it.
pub(super) fn each(layer: &Path, mut take: impl FnMut(String, Kept)) -> Result<()> {
    let path = layer.join("meta.jsonl");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).at("open", &path),
    };
    for line in BufReader::with_capacity(1 << 20, file).lines() {
        let line = line.at("read", &path)?;
        let kept: Kept = serde_json::from_str(&line)
            .map_err(Error::json(format!("line of `{}`", path.display())))?;
        take(fold::key(&kept.path), kept);
    }
    Ok(())
}
