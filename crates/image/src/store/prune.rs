//! Removing what nobody needs: images by rule, and content that no image and no container holds.
//!
//! Whoever adds content holds a lock until a name or a lease protects what was added, so what is
//! removed here is never somebody's work in progress; while there is any, removal waits for the
//! next time.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Removed, Store, lock};
use crate::digest::Digest;
use crate::error::{IoContext, Result};
use crate::image::Image;

/// Which images `prune` takes.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Also images that have a name but no container.
    pub all: bool,
    /// Only images made at least this long ago.
    pub older_than: Option<Duration>,
    /// Only images that have all these labels (a value of `None`: with whatever value).
    pub labels: Vec<(String, Option<String>)>,
}

/// What `prune` did.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// Names and images that are gone.
    pub removed: Vec<Removed>,
    /// Bytes given back.
    pub reclaimed: u64,
}

/// What images take on the disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskUsage {
    /// How many images there are.
    pub images: usize,
    /// How many of them containers use.
    pub active: usize,
    /// Bytes of blobs and unpacked layers.
    pub size: u64,
    /// Bytes that only images without containers hold.
    pub reclaimable: u64,
}

impl Store {
    /// Removes images that are not needed, and all content that nothing holds.
    pub async fn prune(&self, options: PruneOptions) -> Result<Pruned> {
        self.blocking(move |store| store.prune_sync(&options)).await
    }

    /// How much images take.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        self.blocking(Self::disk_usage_sync).await
    }

    fn prune_sync(&self, options: &PruneOptions) -> Result<Pruned> {
        let leased: BTreeSet<Digest> = self.leases()?.into_iter().map(|(_, l)| l.image).collect();
        let mut removed = Vec::new();
        for image in self.images_sync()? {
            let builtin = image.names.iter().any(crate::name::ImageName::is_builtin);
            if leased.contains(&image.manifest_digest()) || builtin || !options.takes(&image) {
                continue;
            }
            let digest = image.manifest_digest();
            // Somebody may have started a container from it since; then it stays.
            match self.remove_whole(&digest) {
                Ok(mut names) => removed.append(&mut names),
                Err(e) if e.is_conflict() || e.is_not_found() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Pruned { removed, reclaimed: self.collect()? })
    }

    /// Removes blobs, layers and leftovers that nothing needs; tells how many bytes that gave.
    pub(crate) fn collect(&self) -> Result<u64> {
        let Some(_removing) = self.try_lock_removing()? else {
            tracing::debug!("content is being added; what nobody needs is removed another time");
            return Ok(0);
        };
        self.sweep_ingest()?;
        self.sweep_layers()?;
        let _index = self.lock_index()?;
        self.sweep_files()?;
        let needed = self.needed()?;
        let blobs = self.path("content/blobs/sha256");
        let mut reclaimed = remove_unneeded(
            &blobs,
            |name| needed.blobs.contains(name),
            |path| fs::remove_file(path),
        )?;
        reclaimed += remove_unneeded(
            &self.path("layers"),
            |name| name.starts_with('.') || needed.layers.contains(name),
            |path| self.discard_layer(path),
        )?;
        Ok(reclaimed)
    }

    /// Removes what a failure left that belongs to nobody. The failure is what there is to tell.
    pub(crate) fn give_back(&self) {
        if let Err(error) = self.collect() {
            tracing::warn!(%error, "what is left of a failure stays for the next pruning");
        }
    }

    /// What images and containers hold, as hexadecimal digits.
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
        for (_, lease) in self.leases()? {
            keep(lease.blobs, lease.layers.into_iter().collect());
        }
        Ok(needed)
    }

    fn disk_usage_sync(&self) -> Result<DiskUsage> {
        let leases = self.leases()?;
        let images = self.images_sync()?;
        let mut usage = DiskUsage { images: images.len(), ..DiskUsage::default() };
        let mut held = Needed::default();
        for image in &images {
            if leases.iter().any(|(_, lease)| lease.image == image.manifest_digest()) {
                usage.active += 1;
                held.blobs.extend(image.blobs().iter().map(|d| d.hex().to_owned()));
                held.layers.extend(image.chain_ids().iter().map(|d| d.hex().to_owned()));
            }
        }
        for (dir, held) in [("content/blobs/sha256", &held.blobs), ("layers", &held.layers)] {
            for (name, size) in sizes(&self.path(dir))? {
                usage.size += size;
                usage.reclaimable += if held.contains(&name) { 0 } else { size };
            }
        }
        Ok(usage)
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
        let labelled = self.labels.iter().all(|(key, value)| {
            let found = labels.and_then(|labels| labels.get(key));
            found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        });
        (self.all || dangling) && old && labelled
    }
}

fn remove_unneeded(
    dir: &Path,
    needed: impl Fn(&str) -> bool,
    remove: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<u64> {
    let mut reclaimed = 0;
    for (name, size) in sizes(dir)? {
        if !needed(&name) {
            let path = dir.join(&name);
            remove(&path).at("remove", &path)?;
            reclaimed += size;
        }
    }
    Ok(reclaimed)
}

/// The things in a folder of the store, and how many bytes each takes.
fn sizes(dir: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).at("list", dir)? {
        let entry = entry.at("list", dir)?;
        let Ok(meta) = entry.metadata() else { continue };
        let size = if meta.is_dir() { layer_size(&entry.path()) } else { meta.len() };
        if let Some(name) = OsStr::to_str(&entry.file_name()) {
            found.push((name.to_owned(), size));
        }
    }
    Ok(found)
}

fn layer_size(folder: &Path) -> u64 {
    crate::layer::record::read(folder).map_or(0, |record| record.size)
}

impl Store {
    /// Removes folders of unpackings that ended before they were done.
    pub(crate) fn sweep_layers(&self) -> Result<()> {
        let dir = self.path("layers");
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let entry = entry.at("list", &dir)?;
            let path = entry.path();
            let unfinished = entry.file_name().as_encoded_bytes().starts_with(b".");
            if unfinished && let Ok(Some(_owned)) = lock::try_own(&path) {
                fs::remove_dir_all(&path).at("remove", &path)?;
            }
        }
        Ok(())
    }

    /// Removes files that killed processes left: locks of things in the making, of which there is
    /// none now, and documents that were to replace others, which takes the lock that is held now.
    fn sweep_files(&self) -> Result<()> {
        let leftover = |dir: &str, name: &str| match dir {
            "locks" => name != "index" && name != "content",
            _ => name.starts_with(".tmp"),
        };
        for dir in ["locks", "leases", ""] {
            let path = self.path(dir);
            for entry in fs::read_dir(&path).at("list", &path)? {
                let entry = entry.at("list", &path)?;
                let file = entry.file_type().at("look at", &entry.path())?.is_file();
                if file && entry.file_name().to_str().is_some_and(|name| leftover(dir, name)) {
                    fs::remove_file(entry.path()).at("remove", &entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Takes a layer away in one step, so that half of one is never found under its name.
    fn discard_layer(&self, path: &Path) -> std::io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path("layers").join(format!(".gone-{name}"));
        fs::rename(path, &aside)?;
        fs::remove_dir_all(&aside)
    }
}
