//! What builds keep, of whatever kind: layers, caches of steps, downloads.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use build::{Kept, KeptKind};
use image::{CacheUsage, Digest};
use jiff::Timestamp;

use crate::host::Host;

/// One thing that is kept, in `BuildKit`'s terms.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) description: String,
    pub(super) size: u64,
    pub(super) created: Timestamp,
    pub(super) used: Timestamp,
    pub(super) uses: u64,
    pub(super) parents: Vec<String>,
    /// It may change yet.
    pub(super) mutable: bool,
    /// A build has it now.
    pub(super) in_use: bool,
    /// An image holds it too.
    pub(super) shared: bool,
    pub(super) what: What,
}

/// Where it is.
#[derive(Debug)]
pub(super) enum What {
    /// A layer, by its key.
    Layer(Digest),
    /// A folder.
    Kept(Kept),
}

/// All there is, what was used last first.
pub(super) async fn all(host: &Host) -> Result<Vec<Entry>> {
    let images = host.images().await?;
    let layers = images.cache_usage().await?;
    let busy = images.alone().await?.is_none();
    let kept = build::kept(&host.dirs.root, busy).context("looking at what builds keep")?;
    let mut all: Vec<Entry> = layers.iter().map(|one| of_layer(one, &layers)).collect();
    all.extend(kept.into_iter().map(of_kept));
    all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.id.cmp(&b.id)));
    Ok(all)
}

/// Bytes that the disk has left for whoever is not root.
pub(super) fn free(root: &Path) -> Result<u64> {
    let free = engine::os::fs::free_space(root);
    free.with_context(|| format!("looking at the disk of {}", root.display()))
}

fn of_layer(one: &CacheUsage, all: &[CacheUsage]) -> Entry {
    let record = &one.record;
    let is_below = |other: &&CacheUsage| Some(&other.record.chain_id) == record.parent.as_ref();
    Entry {
        id: short(&record.key),
        kind: "regular",
        description: record.description.clone(),
        size: one.size,
        created: record.added,
        used: record.used,
        uses: record.uses,
        parents: all
            .iter()
            .find(is_below)
            .map(|below| short(&below.record.key))
            .into_iter()
            .collect(),
        mutable: false,
        in_use: false,
        shared: one.shared,
        what: What::Layer(record.key.clone()),
    }
}

fn of_kept(kept: Kept) -> Entry {
    let time = |time: SystemTime| Timestamp::try_from(time).unwrap_or_default();
    Entry {
        id: kept.id.clone(),
        kind: match kept.kind {
            KeptKind::CacheMount => "exec.cachemount",
            KeptKind::Download => "regular",
        },
        description: kept.description.clone(),
        size: kept.size,
        created: time(kept.created),
        used: time(kept.used),
        uses: kept.uses,
        parents: Vec::new(),
        mutable: kept.kind == KeptKind::CacheMount,
        in_use: kept.in_use,
        shared: false,
        what: What::Kept(kept),
    }
}

fn short(key: &Digest) -> String {
    key.hex()[..25].to_owned()
}
