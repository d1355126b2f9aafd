//! Removing what nobody needs: images by rule, and content that no image, no container and no record
//! of a build holds.
//!
//! Whoever adds content holds a lock until a name or a lease protects what was added, so what is
//! removed here is never somebody's work in progress; while there is any, removal waits for the
//! next time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::sweep::Swept;
use super::usage::sizes;
use super::{Removed, Store};
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::image::{Image, digest_of};

/// Which images `prune` takes.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Also images that have a name but no container.
    pub all: bool,
    /// Only images made at least this long ago.
    pub older_than: Option<Duration>,
    /// Only images that have all these labels (a value of `None`: with whatever value).
    pub labels: Vec<(String, Option<String>)>,
    /// Only images that have none of these.
    pub without: Vec<(String, Option<String>)>,
}

/// What `prune` did.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Names and images that are gone.
    pub removed: Vec<Removed>,
    /// Bytes given back.
    pub reclaimed: u64,
    /// Why something that was meant is still there.
    pub failed: Vec<Error>,
}

impl Store {
    /// Removes images that are not needed, and all content that nothing holds.
    pub async fn prune(&self, options: PruneOptions) -> Result<Pruned> {
        self.blocking(move |store| store.prune_sync(&options)).await
    }

    fn prune_sync(&self, options: &PruneOptions) -> Result<Pruned> {
        let leased: BTreeSet<Digest> = self.leases()?.into_iter().map(|(_, l)| l.image).collect();
        let mut pruned = Pruned::default();
        for image in self.images_sync()? {
            let builtin = image.names.iter().any(crate::name::ImageName::is_builtin);
            if leased.contains(&image.manifest_digest()) || builtin || !options.takes(&image) {
                continue;
            }
            let digest = image.manifest_digest();
            // Somebody may have started a container from it since; then it stays.
            match self.remove_whole(&digest) {
                Ok(mut names) => pruned.removed.append(&mut names),
                Err(e) if e.is_conflict() || e.is_not_found() => {}
                Err(e) => pruned.failed.push(e),
            }
        }
        match self.collect() {
            Ok(collected) => {
                pruned.reclaimed = collected.reclaimed;
                pruned.failed.extend(collected.failed);
            }
            Err(e) => pruned.failed.push(e),
        }
        Ok(pruned)
    }

    /// Removes blobs, layers and leftovers that nothing needs; tells how many bytes that gave,
    /// and what of them is stuck.
    pub(crate) fn collect(&self) -> Result<Swept> {
        let Some(_removing) = self.try_lock_removing()? else {
            tracing::debug!("content is being added; what nobody needs is removed another time");
            return Ok(Swept::default());
        };
        let mut swept = self.sweep_ingest();
        swept.add(self.sweep_layers());
        let _index = self.lock_index()?;
        swept.add(self.sweep_files());
        let needed = self.needed()?;
        let blobs = self.path("content/blobs/sha256");
        swept.add(remove_unneeded(
            &blobs,
            |name| needed.blobs.contains(name),
            |path| fs::remove_file(path),
        )?);
        swept.add(remove_unneeded(
            &self.path("layers"),
            |name| name.starts_with('.') || needed.layers.contains(name),
            |path| self.discard_layer(path),
        )?);
        Ok(swept)
    }

    /// Removes what a failure left that belongs to nobody. The failure is what there is to tell.
    pub(crate) fn give_back(&self) {
        match self.collect() {
            Ok(swept) => swept.warn(),
            Err(error) => {
                tracing::warn!(%error, "what is left of a failure stays for the next pruning");
            }
        }
    }

    /// What images, containers and the cache of builds hold, as hexadecimal digits.
    fn needed(&self) -> Result<Needed> {
        let mut needed = Needed::default();
        let mut keep = |blobs: BTreeSet<Digest>, layers: Vec<Digest>| {
            needed.blobs.extend(blobs.iter().map(|d| d.hex().to_owned()));
            needed.layers.extend(layers.iter().map(|d| d.hex().to_owned()));
        };
        let index = self.read_index()?;
        for digest in index.images.keys() {
            // An image that cannot be read might be mended by a pull; nothing it could need is known.
            if let Ok(image) = self.image_of(&index, digest) {
                keep(image.blobs(), image.chain_ids());
            }
        }
        for record in self.cached()? {
            keep([digest_of(&record.layer.descriptor)?].into(), vec![record.chain_id]);
        }
        for (_, lease) in self.leases()? {
            keep(lease.blobs, lease.layers.into_iter().collect());
        }
        Ok(needed)
    }
}

#[derive(Default)]
struct Needed {
    blobs: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl PruneOptions {
    fn takes(&self, image: &Image) -> bool {
        let dangling = image.names.is_empty();
        let old = self.older_than.is_none_or(|age| {
            let made = image.created().unwrap_or(image.added);
            Timestamp::now().duration_since(made).unsigned_abs() >= age && made < Timestamp::now()
        });
        let labels = image.config.config.labels.as_ref();
        let has = |(key, value): &(String, Option<String>)| {
            let found = labels.and_then(|labels| labels.get(key));
            found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        };
        let labelled = self.labels.iter().all(has) && !self.without.iter().any(has);
        (self.all || dangling) && old && labelled
    }
}

fn remove_unneeded(
    dir: &Path,
    needed: impl Fn(&str) -> bool,
    remove: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<Swept> {
    let mut swept = Swept::default();
    for (name, size) in sizes(dir)? {
        if !needed(&name) {
            let path = dir.join(&name);
            swept.note(remove(&path).map(|()| size).at("remove", &path));
        }
    }
    Ok(swept)
}
