//! How much the layers of builds take, and giving them up. Which of them is the command line's to
//! decide, where everything that builds keep is known.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use super::super::Store;
use super::super::lock::Lock;
use super::CacheRecord;
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::image::digest_of;
use crate::layer;

/// While it is held, no build begins.
#[derive(Debug)]
pub struct Alone {
    _lock: Lock,
}

/// What a record takes.
#[derive(Debug, Clone)]
pub struct CacheUsage {
    /// The record.
    pub record: CacheRecord,
    /// Bytes of its layer, stored and unpacked.
    pub size: u64,
    /// An image holds the layer too.
    pub shared: bool,
}

/// What came of giving up records.
#[derive(Debug, Default)]
pub struct Dropped {
    /// The keys of those that were there, and are gone.
    pub gone: Vec<Digest>,
    /// Bytes that this gave back.
    pub reclaimed: u64,
    /// Why something that nobody needs is still there.
    pub failed: Vec<Error>,
}

impl Store {
    /// What the layers of builds take, those used last first.
    pub async fn cache_usage(&self) -> Result<Vec<CacheUsage>> {
        self.blocking(Self::cache_usage_sync).await
    }

    /// Gives up the records of these keys; while a build runs, what it may need stays until the next
    /// time.
    pub async fn drop_cached(&self, keys: BTreeSet<Digest>) -> Result<Dropped> {
        self.blocking(move |store| store.drop_cached_sync(keys)).await
    }

    /// Nothing is being added, and nothing will be for as long as this is held; none when somebody
    /// is at it.
    pub async fn alone(&self) -> Result<Option<Alone>> {
        self.blocking(|store| Ok(store.try_lock_removing()?.map(|lock| Alone { _lock: lock })))
            .await
    }

    fn cache_usage_sync(&self) -> Result<Vec<CacheUsage>> {
        let mut held = BTreeSet::new();
        for image in self.images_sync()? {
            held.extend(image.chain_ids());
        }
        let usage = |record: CacheRecord| {
            let blob = digest_of(&record.layer.descriptor).ok();
            let there = blob.is_some_and(|blob: Digest| self.has_blob(&blob));
            let stored = if there { record.layer.descriptor.size() } else { 0 };
            let unpacked = layer::record::taken(&self.layer_folder(&record.chain_id));
            let size = stored + unpacked.unwrap_or(0);
            CacheUsage { shared: held.contains(&record.chain_id), size, record }
        };
        let mut all: Vec<CacheUsage> = self.cached()?.into_iter().map(usage).collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.record.used), one.record.key.clone()));
        Ok(all)
    }

    fn drop_cached_sync(&self, keys: BTreeSet<Digest>) -> Result<Dropped> {
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        for key in keys {
            let path = self.cached_path(&key);
            match fs::remove_file(&path) {
                Ok(()) => gone.push(key),
                // Somebody else was quicker.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                other => failed.extend(other.at("remove", &path).err()),
            }
        }
        let collected = self.collect()?;
        failed.extend(collected.failed);
        Ok(Dropped { gone, reclaimed: collected.reclaimed, failed })
    }
}
