//! The layer of a step: made before, being made by somebody else just now, or to be made.
//!
//! A step's key is its content and its parents', never a time. Whoever makes the layer of a key
//! holds its lock, in whatever process: of builds side by side that share a step one does it.

use std::sync::Mutex;
use std::sync::PoisonError;

use image::{CacheRecord, Digest, Hold, Making, NewLayer, Store};
use jiff::Timestamp;

use crate::error::Cause;
use crate::remote::Remote;

type Result<T> = std::result::Result<T, Cause>;

/// What the steps of one build know of layers that were made before.
#[derive(Debug)]
pub(super) struct Cache<'a> {
    images: &'a Store,
    hold: &'a Hold,
    /// Caches outside the store.
    remotes: Vec<Remote>,
    /// The layers that this build went by, in their order.
    went_by: Mutex<Vec<CacheRecord>>,
}

/// What there is for a key.
pub(super) enum Found {
    Layer(Box<CacheRecord>),
    /// Nothing: the layer is to be made, by nobody else meanwhile.
    Nothing(Making),
}

/// A step, as it is kept.
pub(super) struct Wanted<'a> {
    pub(super) key: &'a Digest,
    /// The chain below it.
    pub(super) parent: Option<Digest>,
    pub(super) description: &'a str,
    /// What others made is not looked at.
    pub(super) anew: bool,
}

impl<'a> Cache<'a> {
    pub(super) fn new(images: &'a Store, hold: &'a Hold, remotes: Vec<Remote>) -> Self {
        Self { images, hold, remotes, went_by: Mutex::default() }
    }

    /// The layers that this build went by.
    pub(super) fn went_by(&self) -> Vec<CacheRecord> {
        self.went_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The layer of a key, waited for when somebody is at it.
    pub(super) async fn find(&self, wanted: &Wanted<'_>) -> Result<Found> {
        if let Some(record) = self.look(wanted).await? {
            return Ok(Found::Layer(record));
        }
        let making = self.images.making(wanted.key).await?;
        if let Some(record) = self.look(wanted).await? {
            return Ok(Found::Layer(record));
        }
        if !wanted.anew && self.fetch(wanted).await? {
            return Ok(self.look(wanted).await?.map_or(Found::Nothing(making), Found::Layer));
        }
        Ok(Found::Nothing(making))
    }

    /// Brings the layer of a key from a cache outside the store, if one has it. One that breaks in
    /// the middle is told, and the layer is made.
    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<bool> {
        for remote in &self.remotes {
            match remote.fetch(self.images, self.hold, wanted.key).await {
                Ok(Some((layer, created))) => {
                    self.keep(wanted, &layer, &created).await?;
                    return Ok(true);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a cache did not give its layer"),
            }
        }
        Ok(false)
    }

    async fn look(&self, wanted: &Wanted<'_>) -> Result<Option<Box<CacheRecord>>> {
        let key = wanted.key;
        if wanted.anew && !self.made_here(key) {
            return Ok(None);
        }
        let found = self.images.find_cached(self.hold, key).await?;
        self.note(found.as_ref());
        Ok(found.map(Box::new))
    }

    /// With `--no-cache` two stages of one build still share what they have in common.
    fn made_here(&self, key: &Digest) -> bool {
        let made = self.went_by.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().any(|record| record.key == *key)
    }

    /// Keeps what was made.
    pub(super) async fn keep(
        &self,
        wanted: &Wanted<'_>,
        layer: &NewLayer,
        created: &str,
    ) -> Result<()> {
        let now = Timestamp::now();
        let record = CacheRecord {
            key: wanted.key.clone(),
            layer: layer.clone(),
            chain_id: layer.diff_id.chained(wanted.parent.as_ref()),
            parent: wanted.parent.clone(),
            description: wanted.description.to_owned(),
            created: created.to_owned(),
            added: now,
            used: now,
            uses: 0,
        };
        self.images.keep_cached(self.hold, record.clone()).await?;
        self.note(Some(&record));
        Ok(())
    }

    fn note(&self, record: Option<&CacheRecord>) {
        let mut all = self.went_by.lock().unwrap_or_else(PoisonError::into_inner);
        let new = record.filter(|record| all.iter().all(|other| other.key != record.key));
        all.extend(new.cloned());
    }
}
