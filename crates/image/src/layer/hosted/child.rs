//! A layer upon others: imported by the service, then finished in its folder.

use std::io;
use std::path::{Path, PathBuf};

use engine::os::fd::OwnedFd;
use engine::os::fs::{AtFlags, FileType, linkat, statat};
use engine::os::io::Errno;

use super::super::beneath;
use super::super::settle::{archive_path, split};
use super::super::stage::Staged;
use super::super::tree::{FILES, Id, Kind, Tree};
use super::base::own_file;
use super::files::{About, Shape};
use super::{Ground, transport};
use crate::error::{IoContext, Result};

/// Sets `staged` up as `folder`.
pub(super) fn set_up(staged: &Staged, ground: &Ground<'_>, folder: &Path) -> Result<()> {
    let source = transport::build(staged, ground)?;
    ground.service.import(folder, &source, ground.parents).at("import", folder)?;
    let root = beneath::open_root(folder).at("open", folder)?;
    let finishing = Finishing { staged, ground, root, folder };
    for id in staged.tree.ids() {
        match &staged.tree.node(id).kind {
            Kind::Whiteout => finishing.remove(&finishing.path(id))?,
            Kind::Dir { .. } if is_opaque(&staged.tree, id) => finishing.clear(id)?,
            _ => {}
        }
    }
    for id in staged.tree.ids() {
        if let Kind::HardLink(target) = &staged.tree.node(id).kind {
            finishing.link(id, target)?;
        }
    }
    finishing.folders()
}

/// It or a folder above it hides what is below: in all of it nothing shows through.
fn is_opaque(tree: &Tree, mut id: Id) -> bool {
    loop {
        let node = tree.node(id);
        if id != FILES && matches!(node.kind, Kind::Dir { opaque: true, .. }) {
            return true;
        }
        if node.parent == id {
            return false;
        }
        id = node.parent;
    }
}

struct Finishing<'a> {
    staged: &'a Staged,
    ground: &'a Ground<'a>,
    root: OwnedFd,
    folder: &'a Path,
}

impl Finishing<'_> {
    fn path(&self, id: Id) -> String {
        archive_path(&self.staged.tree.path(id))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.ground.service.remove(&self.root, path).at("remove", &self.at(path))
    }

    /// Windows' layers have no mark for a folder that hides the one below: each name in that goes.
    fn clear(&self, id: Id) -> Result<()> {
        let path = self.path(id);
        for parent in self.ground.parents {
            let root = beneath::open_root(parent).at("open", parent)?;
            for name in beneath::list(&root, &path).at("list", &parent.join(&path))? {
                if self.staged.tree.child(id, &name).is_none() {
                    self.remove(&format!("{path}/{name}"))?;
                }
            }
        }
        Ok(())
    }

    fn link(&self, id: Id, target: &[String]) -> Result<()> {
        let path = self.path(id);
        self.remove(&path)?;
        let (to, name) = split(&path);
        let to = beneath::open_dir(&self.root, to).at("open", &self.at(&path))?;
        let tree = &self.staged.tree;
        if tree.find(FILES, target.iter().map(String::as_str)).is_some() {
            let target = own_file(self.staged, id, target)
                .ok_or_else(|| self.refused(id, "its target is no file of this layer before it"))?;
            let made = link_in(&self.root, &archive_path(&target), &to, name);
            return made.at("link", &self.at(&path));
        }
        let target = format!("Files/{}", target.join("/"));
        if link_below(self.ground.parents, &target, &to, name).at("link", &self.at(&path))? {
            return Ok(());
        }
        Err(self.refused(id, "its target is in no layer"))
    }

    /// What was done in a folder has changed its times.
    fn folders(&self) -> Result<()> {
        for id in self.staged.tree.ids().rev() {
            let node = self.staged.tree.node(id);
            let (Kind::Dir { .. }, Some(meta)) = (&node.kind, node.meta.as_deref()) else {
                continue;
            };
            let about = About::of(Some(meta), Shape::Folder, self.ground.service)
                .map_err(|rule| self.refused(id, &rule))?;
            let (path, times) = (self.path(id), about.times(about.attributes));
            let set = self.ground.service.restore(&self.root, &path, &times);
            set.at("set times of", &self.at(&path))?;
        }
        Ok(())
    }

    fn refused(&self, id: Id, rule: &str) -> crate::error::Error {
        self.ground.refused(self.staged, id, rule)
    }
}

/// Links to the nearest layer's file, if one has it. A layer also has the places that the filter
/// driver fills from the layers below it, for files and for whole folders: they are passed over.
fn link_below(parents: &[PathBuf], target: &str, to: &OwnedFd, name: &str) -> io::Result<bool> {
    for parent in parents {
        match link_in(&beneath::open_root(parent)?, target, to, name) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            made => return Ok(made.map(|()| true)?),
        }
    }
    Ok(false)
}

/// A target that is a link of any kind is refused as one: it would be the link that gets a name.
fn link_in(root: &OwnedFd, target: &str, to: &OwnedFd, name: &str) -> Result<(), Errno> {
    let (from, target) = split(target);
    let from = beneath::open_dir(root, from)?;
    let about = statat(&from, target, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(about.st_mode) == FileType::Symlink {
        return Err(Errno::LOOP);
    }
    linkat(&from, target, to, name, AtFlags::empty())
}

impl Ground<'_> {
    /// Whether a link is one to a folder: archives of Windows say so, for others it is looked up.
    pub(super) fn link(&self, staged: &Staged, id: Id) -> Shape {
        let node = staged.tree.node(id);
        let Kind::Symlink(target) = &node.kind else { return Shape::File };
        let says = node.meta.as_deref().filter(|meta| meta.record("MSWINDOWS.fileattr").is_some());
        let to_folder = match says {
            Some(meta) => meta.attributes() & super::files::DIRECTORY != 0,
            None => self.is_folder(&staged.tree, node.parent, target),
        };
        Shape::Link { to_folder }
    }

    fn is_folder(&self, tree: &Tree, from: Id, target: &str) -> bool {
        let Ok(target) = super::super::target::resolve(&tree.parts(from), target) else {
            return false;
        };
        if let Some(found) = tree.find(FILES, target.iter().map(String::as_str)) {
            return matches!(tree.node(found).kind, Kind::Dir { .. });
        }
        let path = format!("Files/{}", target.join("/"));
        let mut roots = self.parents.iter().filter_map(|parent| beneath::open_root(parent).ok());
        roots.any(|root| beneath::open_dir(&root, &path).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engine::os::fs::{CWD, symlinkat};

    use super::*;

    /// Links stand for the places that the filter driver fills, which are as little a file.
    #[test]
    fn a_hard_link_is_to_a_file_and_not_to_a_place_of_one() {
        let place = tempfile::tempdir().unwrap();
        let layer = |name: &str| {
            let files = place.path().join(name).join("Files");
            fs::create_dir_all(&files).unwrap();
            files
        };
        let (base, folder, file, empty) = (layer("1"), layer("2"), layer("3"), layer("4"));
        fs::create_dir(base.join("data")).unwrap();
        fs::write(base.join("data/kept.txt"), "of the base").unwrap();
        symlinkat(base.join("data"), CWD, folder.join("data")).unwrap();
        fs::create_dir(file.join("data")).unwrap();
        symlinkat(base.join("data/kept.txt"), CWD, file.join("data/kept.txt")).unwrap();
        let parents = ["4", "3", "2", "1"].map(|name| place.path().join(name));
        let to = beneath::open_root(&empty).unwrap();
        assert!(link_below(&parents, "Files/data/kept.txt", &to, "x").unwrap());
        assert!(fs::symlink_metadata(empty.join("x")).unwrap().is_file());
        assert_eq!(fs::read_to_string(empty.join("x")).unwrap(), "of the base");
        assert!(!link_below(&parents[..3], "Files/data/kept.txt", &to, "y").unwrap());
        assert!(!link_below(&parents, "Files/data/kept.txt/below", &to, "y").unwrap());
    }
}
