//! Everything of images on disk, for several processes at once.
//!
//! ```text
//! $ROOT/content/blobs/sha256/<hex>   blobs, written to content/ingest and renamed when verified
//! $ROOT/images.json                  images and their names; replaced as a whole under a lock
//! $ROOT/layers/<chain hex>/          unpacked layers (crate::layer)
//! $ROOT/leases/<container>.json      what a container runs on
//! $ROOT/build/cache/<key>.json       layers that builds made
//! $ROOT/locks/                       one file per thing that is being made
//! ```
//!
//! The methods that callers use are in `images`, `prune` and beside what they do (`crate::registry`,
//! `crate::archive`, `crate::layer`); they are async and do their file work on blocking threads.

pub(crate) mod blobs;
mod cache;
pub(crate) mod images;
pub(crate) mod index;
mod lease;
pub(crate) mod lock;
mod parts;
mod prune;
mod sweep;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use cache::{Alone, CacheRecord, CacheUsage, Dropped, Making};
pub use images::{RemoveOptions, Removed};
pub use prune::{PruneOptions, Pruned};
pub use usage::DiskUsage;

use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::settings::Settings;

const FOLDERS: [&str; 7] =
    ["", "content/blobs/sha256", "content/ingest", "layers", "leases", "locks", cache::FOLDER];

/// The images of one `TRANSOM_ROOT`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    settings: Settings,
}

impl Store {
    /// Opens the store below `root`, making it when it is not there, with the settings of the
    /// host's and the root's configuration files.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        blocking(move || Self::open_sync(root, None)).await
    }

    /// Opens the store below `root` with these settings.
    pub async fn open_with(root: impl Into<PathBuf>, settings: Settings) -> Result<Self> {
        let root = root.into();
        blocking(move || Self::open_sync(root, Some(settings))).await
    }

    fn open_sync(root: PathBuf, settings: Option<Settings>) -> Result<Self> {
        let settings = match settings {
            Some(settings) => settings,
            None => Settings::read(&root)?,
        };
        let store = Self(Arc::new(Inner { root, settings }));
        for dir in FOLDERS {
            let path = store.path(dir);
            // Only Transom's own processes have any business below the root.
            engine::os::fs::make_private(&path).at("make", &path)?;
        }
        Ok(store)
    }

    /// `TRANSOM_ROOT`.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The decisions of the administrator.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The folder of an unpacked layer, whether it is there or not.
    pub fn layer_folder(&self, chain_id: &Digest) -> PathBuf {
        self.path("layers").join(chain_id.hex())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        if relative.is_empty() { self.0.root.clone() } else { self.0.root.join(relative) }
    }

    /// Runs `work` on a blocking thread with this store.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        blocking(move || work(&store)).await
    }
}

/// Runs `work` on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
        Err(_) => Err(Error::CutOff),
    }
}
