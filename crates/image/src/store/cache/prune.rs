//! How much the layers of builds take, and giving them up.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use jiff::Timestamp;

use super::super::Store;
use super::CacheRecord;
use crate::digest::Digest;
use crate::error::{IoContext, Result};
use crate::image::digest_of;

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

/// Which records are given up.
#[derive(Debug, Clone, Default)]
pub struct CachePruneOptions {
    /// Also those whose layers images hold, which gives nothing back.
    pub all: bool,
    /// Only records that were not used for so long.
    pub unused_for: Option<Duration>,
    /// Only records of these keys, by the beginning of their digits.
    pub ids: Vec<String>,
    /// Only records whose instruction has all these in it.
    pub descriptions: Vec<String>,
    /// Only those that images hold, or only those that none holds.
    pub shared: Option<bool>,
    /// What may stay: the records that were used last, as long as they take no more than this.
    pub keep: u64,
}

impl Store {
    /// What the layers of builds take, those used last first.
    pub async fn cache_usage(&self) -> Result<Vec<CacheUsage>> {
        self.blocking(Self::cache_usage_sync).await
    }

    /// Gives up layers of builds. Gives those that are gone, and the bytes that this gave back:
    /// while a build runs, what it may need stays until the next time.
    pub async fn prune_cache(&self, options: CachePruneOptions) -> Result<(Vec<CacheUsage>, u64)> {
        self.blocking(move |store| store.prune_cache_sync(&options)).await
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
            let size = stored + self.unpacked_size(&record.chain_id).unwrap_or(0);
            CacheUsage { shared: held.contains(&record.chain_id), size, record }
        };
        let mut all: Vec<CacheUsage> = self.cached()?.into_iter().map(usage).collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.record.used), one.record.key.clone()));
        Ok(all)
    }

    fn prune_cache_sync(&self, options: &CachePruneOptions) -> Result<(Vec<CacheUsage>, u64)> {
        let (mut gone, mut kept) = (Vec::new(), 0);
        for one in self.cache_usage_sync()? {
            if !options.takes(&one) {
                continue;
            }
            if kept + one.size <= options.keep {
                kept += one.size;
                continue;
            }
            let path = self.cached_path(&one.record.key);
            match fs::remove_file(&path) {
                // Somebody else was quicker.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                other => {
                    other.at("remove", &path)?;
                    gone.push(one);
                }
            }
        }
        Ok((gone, self.collect()?))
    }
}

impl CachePruneOptions {
    /// Whether the filters fit, whatever may stay.
    pub fn takes(&self, one: &CacheUsage) -> bool {
        let record = &one.record;
        let old = self.unused_for.is_none_or(|age| {
            Timestamp::now().duration_since(record.used).unsigned_abs() >= age
                && record.used < Timestamp::now()
        });
        let is = |id: &String| record.key.hex().starts_with(id.trim_start_matches("sha256:"));
        let wanted = self.ids.is_empty() || self.ids.iter().any(is);
        let said = self.descriptions.iter().all(|text| record.description.contains(text));
        let shared = self.shared.map_or(self.all || !one.shared, |shared| one.shared == shared);
        old && wanted && said && shared
    }
}
