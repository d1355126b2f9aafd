//! What a container changed, as it lies in the upper directory of its overlay.

use engine::os::fd::{AsFd, OwnedFd};
use std::io;
use std::path::PathBuf;

use engine::os::fs::{AtFlags, FileType, Stat, readlinkat, statat};
use engine::os::io::Errno;

use super::{Below, HiveFile};
use crate::compress::Compression;
use crate::error::{Error, IoContext, Result};
use crate::layer::{beneath, names};
use crate::merged::Place;

/// What a container changed.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// The upper directory of its overlay.
    pub upper: PathBuf,
    /// What it lies on.
    pub below: Below,
    /// Paths below `C:` (with `/`) that are not the container's, in whatever spelling.
    pub exclude: Vec<String>,
    /// What changed of the registry.
    pub hives: Vec<HiveFile>,
    /// No file is newer than this, in seconds since 1970.
    pub epoch: Option<i64>,
    /// How the archive is stored.
    pub compression: Compression,
}

/// A file of the scratch, or of a folder that was renamed in it.
pub(super) struct Found {
    /// Below `C:`.
    pub(super) path: String,
    pub(super) stat: Stat,
    pub(super) what: What,
    /// Where it lies, in the folders that [`Scratch::folders`] names.
    pub(super) lies: Place,
    /// Where it was in the layers below, if not under this name.
    pub(super) before: Option<String>,
}

impl Found {
    /// What is in the scratch itself.
    pub(super) fn written(path: String, stat: Stat, what: What) -> Self {
        let lies = Place { folder: 0, path: path.clone() };
        Self { path, stat, what, lies, before: None }
    }

    /// Whether it is in, or is itself, a folder that was renamed.
    pub(super) fn is_moved(&self) -> bool {
        self.before.is_some()
    }

    /// Where the layers below speak of it.
    pub(super) fn below(&self) -> &str {
        self.before.as_deref().unwrap_or(&self.path)
    }
}

/// What there is under a name.
pub(super) enum What {
    Folder,
    File,
    Link(String),
    Removed,
}

impl Scratch {
    /// The scratch and what it lies on, the newest first.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.upper.clone()];
        folders.extend(self.below.parents.iter().map(|parent| parent.join("fs")));
        // The platform stands for the base layer's Windows, and wins over it.
        let base = if folders.len() > 1 { folders.pop() } else { None };
        folders.push(self.below.drive.clone());
        folders.extend(base);
        folders
    }

    /// What is in one folder of the upper directory.
    pub(super) fn list(&self, root: &OwnedFd, dir: &str) -> Result<Vec<Found>> {
        let at = |path: &str| self.upper.join(path);
        let names = beneath::list_all(root, dir).at("list", &at(dir))?;
        let folder = beneath::open_dir(root, dir).at("open", &at(dir))?;
        let mut found = Vec::new();
        for name in names {
            let path = join(dir, &name);
            names::check(&name).map_err(|rule| refused(&path, rule))?;
            let stat =
                statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).at("look at", &at(&path))?;
            let what = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => What::Folder,
                FileType::RegularFile => What::File,
                FileType::CharacterDevice if stat.st_rdev == 0 => What::Removed,
                FileType::Symlink => {
                    let link = readlinkat(&folder, &name, Vec::new()).at("read", &at(&path))?;
                    What::Link(
                        link.into_string()
                            .map_err(|_| refused(&path, "its target is not Unicode"))?,
                    )
                }
                // Sockets and pipes of Unix mean nothing to Windows.
                _ => continue,
            };
            found.push(Found::written(path, stat, what));
        }
        Ok(found)
    }
}

pub(super) fn attribute(file: impl AsFd, name: &str) -> io::Result<Option<Vec<u8>>> {
    // As much as ext4 holds.
    let mut value = [0; 4096];
    match engine::os::fs::fgetxattr(file, name, &mut value) {
        Ok(n) => Ok(Some(value[..n].to_vec())),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        // Longer than anything that is looked for.
        Err(Errno::RANGE) => Ok(Some(Vec::new())),
        Err(e) => Err(e.into()),
    }
}

/// The name in the archive.
pub(super) fn name(path: &str) -> String {
    if path.is_empty() { "Files".to_owned() } else { format!("Files/{path}") }
}

pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

pub(super) fn refused(path: &str, rule: impl Into<String>) -> Error {
    Error::Entry { layer: "of the container".to_owned(), entry: name(path), rule: rule.into() }
}
