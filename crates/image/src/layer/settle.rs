//! Settling: a staged layer takes its place on top of its parents.
//!
//! Now that the layers below are there, names take the chain's spelling, hard links find their
//! files (a parent's file is copied), symbolic links their targets, and what was removed is marked
//! as overlayfs wants it. Then the folder gets its times and its records.

use engine::os::fd::OwnedFd;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::os::fs::{
    AtFlags, FileType, Mode, XattrFlags, linkat, mknodat, renameat, symlinkat, utimensat,
};
use engine::os::io::Errno;

use super::fold::{self, Spelling};
use super::stage::Staged;
use super::tree::{FILES, HIVES, Id, Kind, Tree};
use super::{beneath, pool, target};
use crate::error::{Error, IoContext, Result};

const OPAQUE: &str = "trusted.overlay.opaque";

/// What a layer is settled upon.
pub(crate) struct Ground<'a> {
    /// The layer's name in messages.
    pub(crate) layer: &'a str,
    /// The platform's drive, whose spelling comes first.
    pub(crate) fold: &'a Path,
    /// `fs` of the layers below, nearest first.
    pub(crate) parents: &'a [PathBuf],
    /// How many bytes may still be written.
    pub(crate) allowance: u64,
}

/// Settles `staged`; afterwards only its `layer.json` is missing.
pub(crate) fn settle(staged: &mut Staged, ground: &Ground<'_>) -> Result<()> {
    // The base's spelling counts before that of what was put upon it.
    let roots =
        std::iter::once(ground.fold).chain(ground.parents.iter().rev().map(PathBuf::as_path));
    let mut settling = Settling {
        ground,
        root: staged.staging.root(),
        at: staged.staging.path(),
        tree: &mut staged.tree,
        spelling: Spelling::new(roots)?,
        copied: 0,
    };
    settling.respell()?;
    settling.links()?;
    settling.symlinks()?;
    settling.whiteouts()?;
    settling.folders()?;
    staged.size += settling.copied;
    write_meta(staged)
}

struct Settling<'a> {
    ground: &'a Ground<'a>,
    root: &'a OwnedFd,
    /// The folder's path, for messages.
    at: &'a Path,
    tree: &'a mut Tree,
    spelling: Spelling,
    copied: u64,
}

impl Settling<'_> {
    /// Renames whatever the chain spells in another way. Parents come before children, so every
    /// path is in its final spelling when its turn comes.
    fn respell(&mut self) -> Result<()> {
        for id in self.tree.ids() {
            let node = self.tree.node(id);
            if id == FILES || id == HIVES || self.is_hive(id) {
                continue;
            }
            let dir = self.tree.path(node.parent);
            let names = self.spelling.names(below_root(&dir))?;
            let Some(spelled) = names.get(&fold::key(&node.name)).filter(|n| **n != node.name)
            else {
                continue;
            };
            if matches!(node.kind, Kind::Dir { .. } | Kind::File) {
                let parent = self.open_dir(&dir)?;
                renameat(&parent, node.name.as_str(), &parent, spelled.as_str())
                    .at("rename", &self.at.join(&dir).join(&node.name))?;
            }
            self.tree.node_mut(id).name.clone_from(spelled);
        }
        Ok(())
    }

    fn links(&mut self) -> Result<()> {
        for id in self.tree.ids() {
            if let Kind::HardLink(target) = &self.tree.node(id).kind {
                let target = target.clone();
                self.hard_link(id, &target)?;
            }
        }
        Ok(())
    }

    fn hard_link(&mut self, id: Id, target: &[String]) -> Result<()> {
        let path = self.tree.path(id);
        if let Some(found) = self.tree.find(FILES, target.iter().map(String::as_str)) {
            // Links before their targets would be made of nothing.
            let there = match self.tree.node(found).kind {
                Kind::File => true,
                Kind::HardLink(_) => found < id,
                Kind::Dir { .. } | Kind::Symlink(_) | Kind::Whiteout => false,
            };
            if !there {
                return Err(self.refused(id, "its target is no file of this layer before it"));
            }
            let from = self.tree.path(found);
            let (from_dir, from_name) = split(&from);
            let (to_dir, to_name) = split(&path);
            let (from_dir, to_dir) = (self.open_dir(from_dir)?, self.open_dir(to_dir)?);
            return linkat(&from_dir, from_name, &to_dir, to_name, AtFlags::empty())
                .at("link", &self.at.join(&path));
        }
        let Some(mut from) = self.in_parents(target)? else {
            return Err(self.refused(id, "its target is in no layer"));
        };
        let meta = from.metadata().at("look at", &self.at.join(&path))?;
        self.copied += meta.len();
        if self.copied > self.ground.allowance {
            return Err(self.refused(id, "the layer is larger than max_unpacked_bytes allows"));
        }
        let mut to = beneath::create(self.root, &path, Mode::from_raw_mode(0o600))
            .at("make", &self.at.join(&path))?;
        copy(&mut from, &mut to, &meta).at("copy to", &self.at.join(&path))
    }

    /// A parent's file, the nearest parent's first.
    fn in_parents(&mut self, target: &[String]) -> Result<Option<File>> {
        let path = self.spelled(target)?.join("/");
        for parent in self.ground.parents {
            let root = beneath::open_root(parent).at("open", parent)?;
            match beneath::open_file(&root, &path) {
                Ok(file) => {
                    let meta = file.metadata().at("look at", &parent.join(&path))?;
                    return Ok(meta.is_file().then_some(file));
                }
                Err(Errno::NOENT) => {}
                // A whiteout, a link, or something above it that is no folder: the name ends here.
                Err(Errno::NXIO | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
                Err(e) => return Err(e).at("open", &parent.join(&path)),
            }
        }
        Ok(None)
    }

    fn symlinks(&mut self) -> Result<()> {
        for id in self.tree.ids() {
            let Kind::Symlink(link) = &self.tree.node(id).kind else { continue };
            let dir = self.tree.parts(self.tree.node(id).parent);
            let target = target::resolve(&dir, link).map_err(|rule| self.refused(id, &rule))?;
            let target = target::relative(&dir, &self.spelled(&target)?);
            let path = self.tree.path(id);
            let (parent, name) = split(&path);
            let parent = self.open_dir(parent)?;
            symlinkat(target.as_str(), &parent, name).at("link", &self.at.join(&path))?;
            if let Some(meta) = &self.tree.node(id).meta {
                utimensat(&parent, name, &pool::times(meta), AtFlags::SYMLINK_NOFOLLOW)
                    .at("set times of", &self.at.join(&path))?;
            }
        }
        Ok(())
    }

    fn whiteouts(&self) -> Result<()> {
        for id in self.tree.ids() {
            if matches!(self.tree.node(id).kind, Kind::Whiteout) {
                let path = self.tree.path(id);
                let (parent, name) = split(&path);
                let parent = self.open_dir(parent)?;
                mknodat(&parent, name, FileType::CharacterDevice, Mode::empty(), 0)
                    .at("mark as removed", &self.at.join(&path))?;
            }
        }
        Ok(())
    }

    /// Modes, marks and times of folders, children first: what is done in one changes its times.
    fn folders(&self) -> Result<()> {
        for id in self.tree.ids().rev() {
            let node = self.tree.node(id);
            let Kind::Dir { opaque, .. } = &node.kind else { continue };
            let path = self.tree.path(id);
            let dir = self.open_dir(&path)?;
            let at = || self.at.join(&path);
            // The process may have been started with a narrow umask.
            engine::os::fs::fchmod(&dir, Mode::from_raw_mode(0o755)).at("set mode of", &at())?;
            if *opaque && id != FILES {
                engine::os::fs::fsetxattr(&dir, OPAQUE, b"y", XattrFlags::empty())
                    .at("mark", &at())?;
            }
            if let Some(meta) = &node.meta {
                let attributes = meta.dos_attributes();
                pool::set_dos_attributes(&dir, attributes.as_deref())
                    .at("set attributes of", &at())?;
                engine::os::fs::futimens(&dir, &pool::times(meta)).at("set times of", &at())?;
            }
        }
        Ok(())
    }

    /// Names below `C:` in the spelling of this layer and of those below it.
    fn spelled(&mut self, parts: &[String]) -> Result<Vec<String>> {
        let mut spelled: Vec<String> = Vec::with_capacity(parts.len());
        let mut here = Some(FILES);
        for part in parts {
            here = here.and_then(|dir| self.tree.child(dir, part));
            let name = if let Some(id) = here {
                self.tree.node(id).name.clone()
            } else {
                let names = self.spelling.names(&spelled.join("/"))?;
                names.get(&fold::key(part)).unwrap_or(part).clone()
            };
            spelled.push(name);
        }
        Ok(spelled)
    }

    /// Hives have names of their own, which nothing folds.
    fn is_hive(&self, mut id: Id) -> bool {
        while self.tree.node(id).parent != id {
            id = self.tree.node(id).parent;
        }
        id == HIVES
    }

    fn open_dir(&self, path: &str) -> Result<OwnedFd> {
        beneath::open_dir(self.root, path).at("open", &self.at.join(path))
    }

    fn refused(&self, id: Id, rule: &str) -> Error {
        Error::Entry {
            layer: self.ground.layer.to_owned(),
            entry: archive_path(&self.tree.path(id)),
            rule: rule.to_owned(),
        }
    }
}

/// `fs/a/b` -> `a/b`, `fs` -> nothing.
pub(super) fn below_root(path: &str) -> &str {
    path.split_once('/').map_or("", |(_, below)| below)
}

pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').expect("what is no root lies below one")
}

/// The name that the archive gave, but for its spelling.
pub(super) fn archive_path(path: &str) -> String {
    let root = if path == "hives" || path.starts_with("hives/") { "Hives" } else { "Files" };
    match below_root(path) {
        "" => root.to_owned(),
        below => format!("{root}/{below}"),
    }
}

/// Shares the blocks where the file system can, copies them where it cannot.
fn copy(from: &mut File, to: &mut File, meta: &std::fs::Metadata) -> io::Result<()> {
    if engine::os::fs::ioctl_ficlone(&*to, &*from).is_err() {
        io::copy(from, to)?;
    }
    to.set_permissions(meta.permissions())?;
    let times =
        std::fs::FileTimes::new().set_modified(meta.modified()?).set_accessed(meta.accessed()?);
    to.set_times(times)
}

pub(super) fn write_meta(staged: &Staged) -> Result<()> {
    let path = staged.staging.path().join("meta.jsonl");
    let mut out = BufWriter::new(File::create(&path).at("make", &path)?);
    for id in staged.tree.ids() {
        if let Some(meta) = &staged.tree.node(id).meta {
            meta.write(&archive_path(&staged.tree.path(id)), &mut out).at("write", &path)?;
        }
    }
    out.flush().at("write", &path)
}
