//! What killed processes left: folders and files that nobody holds the lock of.

use std::fs;
use std::path::Path;

use super::{Store, lock};
use crate::error::{IoContext, Result};

impl Store {
    /// Removes folders of unpackings that ended before they were done.
    pub(crate) fn sweep_layers(&self) -> Result<u64> {
        let mut reclaimed = 0;
        let dir = self.path("layers");
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let entry = entry.at("list", &dir)?;
            let path = entry.path();
            let unfinished = entry.file_name().as_encoded_bytes().starts_with(b".");
            if unfinished && let Ok(Some(_owned)) = lock::try_own(&path) {
                reclaimed += tree_size(&path);
                fs::remove_dir_all(&path).at("remove", &path)?;
            }
        }
        Ok(reclaimed)
    }

    /// Removes files that killed processes left: locks of things in the making, of which there is
    /// none now, and documents that were to replace others, which takes the lock that is held now.
    pub(super) fn sweep_files(&self) -> Result<()> {
        let leftover = |dir: &str, name: &str| match dir {
            "locks" => name != "index" && name != "content",
            _ => name.starts_with(".tmp"),
        };
        for dir in ["locks", "leases", super::cache::FOLDER, ""] {
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
    pub(super) fn discard_layer(&self, path: &Path) -> std::io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path("layers").join(format!(".gone-{name}"));
        fs::rename(path, &aside)?;
        fs::remove_dir_all(&aside)
    }
}

/// The bytes of all files below a folder that nobody uses; links are not followed.
fn tree_size(folder: &Path) -> u64 {
    let (mut total, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) if about.is_file() => total += about.len(),
                _ => {}
            }
        }
    }
    total
}
