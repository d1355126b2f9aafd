//! How much of the disk images take.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::Store;
use crate::error::{IoContext, Result};

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
    /// How many bytes the disk has left, if it tells.
    pub(crate) fn room(&self) -> Option<u64> {
        engine::os::fs::free_space(&self.path(""))
    }

    /// Why one file of this size cannot be taken in now, if it cannot: asked before any of it is
    /// written, for others write to the disk as well.
    pub(crate) fn too_large(&self, bytes: u64) -> Option<String> {
        let free = self.room()?;
        (bytes > free).then(|| format!("it has {bytes} bytes, and the disk has room for {free}"))
    }

    /// How much images take.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        self.blocking(Self::disk_usage_sync).await
    }

    fn disk_usage_sync(&self) -> Result<DiskUsage> {
        let leases = self.leases()?;
        let images = self.images_sync()?;
        let mut usage = DiskUsage { images: images.len(), ..DiskUsage::default() };
        let (mut blobs, mut layers) = (BTreeSet::new(), BTreeSet::new());
        for image in &images {
            if leases.iter().any(|(_, lease)| lease.image == image.manifest_digest()) {
                usage.active += 1;
                blobs.extend(image.blobs().iter().map(|d| d.hex().to_owned()));
                layers.extend(image.chain_ids().iter().map(|d| d.hex().to_owned()));
            }
        }
        for (dir, held) in [("content/blobs/sha256", &blobs), ("layers", &layers)] {
            for (name, size) in sizes(&self.path(dir))? {
                usage.size += size;
                usage.reclaimable += if held.contains(&name) { 0 } else { size };
            }
        }
        Ok(usage)
    }
}

/// The things in a folder of the store, and how many bytes each takes.
pub(super) fn sizes(dir: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).at("list", dir)? {
        let entry = entry.at("list", dir)?;
        let Ok(meta) = entry.metadata() else { continue };
        let taken = || crate::layer::record::taken(&entry.path()).unwrap_or(0);
        let size = if meta.is_dir() { taken() } else { meta.len() };
        if let Some(name) = OsStr::to_str(&entry.file_name()) {
            found.push((name.to_owned(), size));
        }
    }
    Ok(found)
}
