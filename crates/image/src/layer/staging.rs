//! The temporary folder that a layer is made in. Whoever holds its lock is still at work; one that
//! nobody holds is swept away (`Store::sweep_layers`).

use engine::os::fd::OwnedFd;
use engine::os::unix::fs::DirBuilderExt;
use std::fs::{self, DirBuilder, File};
use std::path::{Path, PathBuf};

use super::beneath;
use crate::digest::Digest;
use crate::error::{IoContext, Result};
use crate::store::{Store, lock};

/// A folder with empty `fs/` and `hives/`, gone when dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
    root: OwnedFd,
    _lock: File,
    published: bool,
}

impl Staging {
    pub(crate) fn new(store: &Store, chain_id: &Digest) -> Result<Self> {
        let layers = store.path("layers");
        loop {
            let unique = tempfile::Builder::new()
                .prefix(&format!(".new-{}-", chain_id.short()))
                .tempdir_in(&layers);
            let path = unique.at("make a folder in", &layers)?.keep();
            // Between its making and its locking a sweep may have taken it.
            let Ok(Some(lock)) = lock::try_own(&path) else { continue };
            if !path.is_dir() {
                continue;
            }
            let root = beneath::open_root(&path).at("open", &path)?;
            let staging = Self { path, root, _lock: lock, published: false };
            for name in ["fs", "hives"] {
                let dir = staging.path.join(name);
                DirBuilder::new().mode(0o755).create(&dir).at("make", &dir)?;
            }
            return Ok(staging);
        }
    }

    /// Everything in it is done beneath this.
    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder its final name.
    pub(crate) fn publish(mut self, to: &Path) -> Result<()> {
        fs::rename(&self.path, to).at("put in place", to)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished layer stays for the next sweep");
        }
    }
}
