//! Layers that builds made, kept by what made them: `$ROOT/build/cache/<key>.json`.
//!
//! A record keeps its layer, stored and unpacked, from being pruned with the images; it goes when
//! the cache is pruned ([`Store::drop_cached`]). No image shows for it.

mod prune;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

pub use prune::{Alone, CacheUsage, Dropped};

use super::Store;
use super::lock::Lock;
use crate::compose::{Hold, NewLayer};
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::image::digest_of;

pub(super) const FOLDER: &str = "build/cache";

/// A layer that was made before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// What made it.
    pub key: Digest,
    /// The layer.
    pub layer: NewLayer,
    /// The chain that it is the last of.
    pub chain_id: Digest,
    /// The chain below it.
    pub parent: Option<Digest>,
    /// The instruction that made it.
    pub description: String,
    /// When it says that it was made, RFC 3339.
    pub created: String,
    /// When it came here.
    pub added: Timestamp,
    /// When it was last wanted.
    pub used: Timestamp,
    /// How often it was wanted since.
    pub uses: u64,
}

/// While it is held, nobody else makes the layer of one key.
#[derive(Debug)]
pub struct Making {
    _lock: Lock,
}

impl Store {
    /// The layer of this key, noted as used.
    pub async fn find_cached(&self, _hold: &Hold, key: &Digest) -> Result<Option<CacheRecord>> {
        let key = key.clone();
        self.blocking(move |store| {
            let Some(mut record) = store.read_cached(&key)? else { return Ok(None) };
            if !store.has_blob(&digest_of(&record.layer.descriptor)?) {
                return Ok(None);
            }
            record.used = Timestamp::now();
            record.uses += 1;
            store.write_cached(&record)?;
            Ok(Some(record))
        })
        .await
    }

    /// Keeps a layer that was made.
    pub async fn keep_cached(&self, _hold: &Hold, record: CacheRecord) -> Result<()> {
        self.blocking(move |store| store.write_cached(&record)).await
    }

    /// Waits until nobody else makes the layer of this key.
    pub async fn making(&self, key: &Digest) -> Result<Making> {
        Ok(Making { _lock: self.lock_making_async(&format!("step-{}", key.hex())).await? })
    }

    /// A record; one that cannot be read is none, since it can be made again.
    fn read_cached(&self, key: &Digest) -> Result<Option<CacheRecord>> {
        let path = self.cached_path(key);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("read", &path),
        }
    }

    fn write_cached(&self, record: &CacheRecord) -> Result<()> {
        let path = self.cached_path(&record.key);
        let bytes = serde_json::to_vec(record).map_err(Error::json("cache record"))?;
        let dir = self.path(FOLDER);
        let mut file = NamedTempFile::new_in(&dir).at("make a file in", &dir)?;
        file.write_all(&bytes).at("write", &path)?;
        file.persist(&path).map_err(|e| e.error).at("replace", &path)?;
        Ok(())
    }

    /// Every record.
    pub(crate) fn cached(&self) -> Result<Vec<CacheRecord>> {
        let dir = self.path(FOLDER);
        let mut records = Vec::new();
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let path = entry.at("list", &dir)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let key = stem.and_then(|stem| format!("sha256:{stem}").parse().ok());
            let Some(key) = key.filter(|_| path.extension().is_some_and(|e| e == "json")) else {
                continue;
            };
            records.extend(self.read_cached(&key)?);
        }
        Ok(records)
    }

    fn cached_path(&self, key: &Digest) -> PathBuf {
        self.path(FOLDER).join(format!("{}.json", key.hex()))
    }
}
