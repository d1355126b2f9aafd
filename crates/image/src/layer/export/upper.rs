//! Finding what a container changed: everything in the upper directory of its overlay.

use engine::os::fd::{AsFd, OwnedFd};
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;

use engine::os::fs::{AtFlags, FileType, Stat, readlinkat, statat};
use engine::os::io::Errno;

use super::{Below, HiveFile};
use crate::compress::Compression;
use crate::error::{Error, IoContext, Result};
use crate::layer::fold::{self, Spelling};
use crate::layer::{beneath, names};

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

/// A file of the scratch.
pub(super) struct Found {
    /// Below `C:`.
    pub(super) path: String,
    pub(super) stat: Stat,
    pub(super) what: What,
}

/// What there is under a name.
pub(super) enum What {
    Folder,
    File,
    Link(String),
    Removed,
}

impl Scratch {
    /// Everything in the upper directory, parents before children, in the order of their names.
    pub(super) fn walk(&self, root: &OwnedFd) -> Result<Vec<Found>> {
        let exclude: HashSet<String> = self.exclude.iter().map(|path| fold::key(path)).collect();
        let folders = self.below.parents.iter().rev().map(|parent| parent.join("fs"));
        let roots: Vec<PathBuf> =
            std::iter::once(self.below.drive.clone()).chain(folders).collect();
        let mut spelling = Spelling::new(roots.iter().map(PathBuf::as_path))?;
        let top = beneath::open_dir(root, "").at("open", &self.upper)?;
        let stat = engine::os::fs::fstat(&top).at("look at", &self.upper)?;
        let mut found = vec![Found { path: String::new(), stat, what: What::Folder }];
        let mut next = 0;
        // What is in a folder is appended, and folders among it are looked into in their turn.
        while next < found.len() {
            if matches!(found[next].what, What::Folder) {
                let path = found[next].path.clone();
                let stat = found[next].stat;
                let mut inside = self.list(root, &path)?;
                if self.hides(root, &path)? {
                    let here: HashSet<String> = inside.iter().map(|f| fold::key(&f.path)).collect();
                    for name in spelling.names(&path)?.values().collect::<BTreeSet<_>>() {
                        let path = join(&path, name);
                        if !here.contains(&fold::key(&path)) {
                            inside.push(Found { path, stat, what: What::Removed });
                        }
                    }
                }
                inside.retain(|f| !exclude.contains(&fold::key(&f.path)));
                found.extend(inside);
            }
            next += 1;
        }
        // A folder's path begins those of all that is in it, and so comes before them.
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn list(&self, root: &OwnedFd, dir: &str) -> Result<Vec<Found>> {
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
            found.push(Found { path, stat, what });
        }
        Ok(found)
    }

    /// Whether nothing of the layers below shows through a folder.
    fn hides(&self, root: &OwnedFd, path: &str) -> Result<bool> {
        let at = || self.upper.join(path);
        let dir = beneath::open_dir(root, path).at("open", &at())?;
        for space in ["trusted", "user"] {
            if attribute(&dir, &format!("{space}.overlay.redirect")).at("look at", &at())?.is_some()
            {
                return Err(refused(
                    path,
                    "a folder of a lower layer was renamed, which a layer cannot say",
                ));
            }
            let opaque =
                attribute(&dir, &format!("{space}.overlay.opaque")).at("look at", &at())?;
            if opaque.as_deref() == Some(b"y") {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(super) fn attribute(file: impl AsFd, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut value = [0; 256];
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

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

pub(super) fn refused(path: &str, rule: impl Into<String>) -> Error {
    Error::Entry { layer: "of the container".to_owned(), entry: name(path), rule: rule.into() }
}
