//! What killed processes left: folders and files that nobody holds the lock of.
//!
//! One that is stuck keeps nobody from the others. It is told to who prunes; whoever only comes by
//! has something else to do.

use std::any::Any;
use std::fs::{self, DirEntry};
use std::path::Path;

use super::{Store, lock};
use crate::error::{Error, IoContext, Result};
use crate::layer::record;
use crate::size::tree_size;

/// What came of sweeping.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Bytes that it gave back.
    pub(crate) reclaimed: u64,
    /// Why something is still there.
    pub(crate) failed: Vec<Error>,
}

impl Swept {
    pub(super) fn note(&mut self, done: Result<u64>) {
        match done {
            Ok(bytes) => self.reclaimed += bytes,
            Err(error) => self.failed.push(error),
        }
    }

    /// With what came of sweeping elsewhere.
    pub(super) fn add(&mut self, other: Self) {
        self.reclaimed += other.reclaimed;
        self.failed.extend(other.failed);
    }

    /// For who came by.
    pub(crate) fn warn(self) {
        for error in self.failed {
            tracing::warn!(%error, "what is left of a killed process stays for the next sweep");
        }
    }
}

impl Store {
    /// Removes folders of unpackings that ended before they were done: those that are marked so, and
    /// those that have a layer's name, no record, and nobody who makes them.
    pub(crate) fn sweep_layers(&self) -> Swept {
        self.sweep_folder("layers", |entry| {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_marked = name.starts_with('.');
            if !is_marked && (record::is_whole(&path) || name.len() != CHAIN) {
                return Ok(0);
            }
            let _owned: Box<dyn Any> = if is_marked {
                let Ok(Some(owned)) = lock::try_own(&path) else { return Ok(0) };
                Box::new(owned)
            } else {
                let Some(owned) = self.try_lock_making(&name)? else { return Ok(0) };
                Box::new(owned)
            };
            // It may have become one while its maker was asked for.
            if !is_marked && record::is_whole(&path) {
                return Ok(0);
            }
            // What cannot be counted goes all the same.
            let bytes = tree_size(&path).bytes;
            remove_tree(&path).map(|()| bytes).at("remove", &path)
        })
    }

    /// Removes files of writers of blobs that ended before they were done.
    pub(crate) fn sweep_ingest(&self) -> Swept {
        self.sweep_folder("content/ingest", |entry| {
            let path = entry.path();
            let Ok(Some(owned)) = lock::try_own(&path) else { return Ok(0) };
            let bytes = owned.metadata().map_or(0, |about| about.len());
            fs::remove_file(&path).map(|()| bytes).at("remove", &path)
        })
    }

    fn sweep_folder(&self, name: &str, sweep: impl Fn(&DirEntry) -> Result<u64>) -> Swept {
        let (dir, mut swept) = (self.path(name), Swept::default());
        let entries = match fs::read_dir(&dir).at("list", &dir) {
            Ok(entries) => entries,
            Err(error) => return Swept { failed: vec![error], ..swept },
        };
        for entry in entries {
            swept.note(entry.at("list", &dir).and_then(|entry| sweep(&entry)));
        }
        swept
    }

    /// Removes files that killed processes left: locks of things in the making, of which there is
    /// none now, and documents that were to replace others, which takes the lock that is held now.
    pub(super) fn sweep_files(&self) -> Swept {
        let leftover = |dir: &str, name: &str| match dir {
            "locks" => name != "index" && name != "content",
            _ => name.starts_with(".tmp"),
        };
        let mut swept = Swept::default();
        for dir in ["locks", "leases", super::cache::FOLDER, ""] {
            swept.add(self.sweep_folder(dir, |entry| {
                let path = entry.path();
                let file = entry.file_type().at("look at", &path)?.is_file();
                if file && entry.file_name().to_str().is_some_and(|name| leftover(dir, name)) {
                    fs::remove_file(&path).at("remove", &path)?;
                }
                Ok(0)
            }));
        }
        swept
    }

    /// Takes a layer away in one step, so that half of one is never found under its name.
    pub(super) fn discard_layer(&self, path: &Path) -> std::io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path("layers").join(format!(".gone-{name}"));
        fs::rename(path, &aside)?;
        remove_tree(&aside)
    }
}

/// Takes away a layer, or a part of one. What a host's service set up only it can remove.
fn remove_tree(path: &Path) -> std::io::Result<()> {
    match engine::layering::service() {
        Some(service) => service.destroy(path),
        None => fs::remove_dir_all(path),
    }
}

/// The length of a chain id's digits.
const CHAIN: usize = 64;
