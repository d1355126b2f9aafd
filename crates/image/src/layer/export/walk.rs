//! Finding what a container changed: everything in the upper directory of its overlay, and what shows
//! in folders of the layers below that were renamed there.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

use engine::os::fd::OwnedFd;
use engine::os::fs::Stat;

use super::upper::{Found, Scratch, What, attribute, join, refused};
use crate::error::{IoContext, Result};
use crate::layer::fold::{self, Spelling};
use crate::layer::{beneath, names};
use crate::merged::{Directory, Node};

impl Scratch {
    /// Everything in the upper directory, parents before children, in the order of their names.
    pub(super) fn walk(&self, root: &OwnedFd) -> Result<Vec<Found>> {
        let folders = self.below.parents.iter().rev().map(|parent| parent.join("fs"));
        let roots: Vec<PathBuf> =
            std::iter::once(self.below.drive.clone()).chain(folders).collect();
        let mut walk = Walk {
            scratch: self,
            exclude: self.exclude.iter().map(|path| fold::key(path)).collect(),
            spelling: Spelling::new(roots.iter().map(PathBuf::as_path))?,
            merged: None,
            found: Vec::new(),
        };
        let top = beneath::open_dir(root, "").at("open", &self.upper)?;
        let stat = engine::os::fs::fstat(&top).at("look at", &self.upper)?;
        walk.found.push(Found::written(String::new(), stat, What::Folder));
        let mut next = 0;
        // What is in a folder is appended, and folders among it are looked into in their turn.
        while next < walk.found.len() {
            // Of one that was renamed all is there already.
            if matches!(walk.found[next].what, What::Folder) && !walk.found[next].is_moved() {
                walk.folder(root, next)?;
            }
            next += 1;
        }
        let mut found = walk.found;
        // A folder's path begins those of all that is in it, and so comes before them.
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

/// On the way through a scratch.
struct Walk<'a> {
    scratch: &'a Scratch,
    exclude: HashSet<String>,
    spelling: Spelling,
    /// The drive as the container saw it, once it is asked for.
    merged: Option<Directory>,
    found: Vec<Found>,
}

/// A folder in a renamed one, opened when its turn comes: no more are held than a path is long.
struct Inner {
    parent: Rc<Directory>,
    name: String,
    path: String,
}

impl Walk<'_> {
    /// Finds what is in a folder of the scratch.
    fn folder(&mut self, root: &OwnedFd, at: usize) -> Result<()> {
        let path = self.found[at].path.clone();
        let place = || self.scratch.upper.join(&path);
        let dir = beneath::open_dir(root, &path).at("open", &place())?;
        let opaque = attribute(&dir, "trusted.overlay.opaque").at("look at", &place())?;
        let opaque = opaque.as_deref() == Some(b"y");
        let redirect = attribute(&dir, "trusted.overlay.redirect").at("look at", &place())?;
        if redirect.is_some() && !opaque {
            let dir = self.merged(&path)?;
            let Some((before, dir)) = dir.and_then(|dir| Some((dir.itself_below()?, dir))) else {
                return Err(refused(&path, "the folder that it was is in no layer below"));
            };
            self.found[at].before = Some(before);
            return self.moved(dir, &path);
        }
        let mut inside = self.scratch.list(root, &path)?;
        if opaque {
            let here = inside.iter().map(|found| fold::key(&found.path)).collect();
            let stat = self.found[at].stat;
            inside.extend(self.gone(&path, stat, &here)?);
        }
        inside.retain(|found| !self.exclude.contains(&fold::key(&found.path)));
        self.found.extend(inside);
        Ok(())
    }

    fn merged(&mut self, path: &str) -> Result<Option<Directory>> {
        if self.merged.is_none() {
            self.merged = Some(Directory::of(&self.scratch.folders())?);
        }
        let drive = self.merged.as_ref().expect("it has just been made");
        drive.descend(path)
    }

    /// Finds all that shows in a folder that was renamed: layers cannot say where it came from, so
    /// it is in this one whole, and what they have under its name is gone.
    fn moved(&mut self, dir: Directory, path: &str) -> Result<()> {
        let mut inner = Vec::new();
        self.shown(dir, path, &mut inner)?;
        while let Some(Inner { parent, name, path }) = inner.pop() {
            if let Some((_, Node::Directory(dir))) = parent.look(&name)? {
                self.shown(dir, &path, &mut inner)?;
            }
        }
        Ok(())
    }

    /// Finds what is in one folder, and which folders are in it.
    fn shown(&mut self, dir: Directory, path: &str, inner: &mut Vec<Inner>) -> Result<()> {
        let dir = Rc::new(dir);
        let mut here = HashSet::new();
        for name in dir.names()? {
            names::check(&name).map_err(|rule| refused(&join(path, &name), rule))?;
            let Some((lies, node)) = dir.look(&name)? else { continue };
            let at = join(path, &name);
            here.insert(fold::key(&at));
            if self.exclude.contains(&fold::key(&at)) {
                continue;
            }
            let before = Some(dir.below(&name).unwrap_or_else(|| at.clone()));
            let (stat, what) = match &node {
                Node::Directory(inner) => (inner.stat, What::Folder),
                Node::File(_, stat) => (*stat, What::File),
                Node::Link(target, stat) => {
                    (*stat, What::Link(target.to_string_lossy().into_owned()))
                }
            };
            self.found.push(Found { path: at.clone(), stat, what, lies, before });
            if matches!(node, Node::Directory(_)) {
                inner.push(Inner { parent: Rc::clone(&dir), name, path: at });
            }
        }
        let gone = self.gone(path, dir.stat, &here)?;
        self.found.extend(gone);
        Ok(())
    }

    /// What the layers below have in a folder and is not `here`.
    fn gone(&mut self, path: &str, stat: Stat, here: &HashSet<String>) -> Result<Vec<Found>> {
        let names = self.spelling.names(path)?;
        let paths = names.values().collect::<BTreeSet<_>>().into_iter().map(|n| join(path, n));
        let gone = paths.filter(|path| {
            let key = fold::key(path);
            !here.contains(&key) && !self.exclude.contains(&key)
        });
        Ok(gone.map(|path| Found::written(path, stat, What::Removed)).collect())
    }
}
