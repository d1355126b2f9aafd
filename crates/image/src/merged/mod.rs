//! Folders laid over each other, read as overlayfs shows them, with nothing mounted.
//!
//! Names are found in the newest layer first, with whiteouts (character devices 0:0) hiding what is
//! below, opaque directories hiding the rest of theirs, and a directory that was renamed showing what
//! is below its former name. Every step opens one name beneath a descriptor that is held, and follows
//! no link: a container made these files.
//!
//! What goes on while somebody writes to them is not kept apart: whoever needs one moment stops the
//! writer.

mod layer;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::os::fs::{CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat};

use crate::error::{Error, IoContext, Result};
use crate::layer::fold;
use layer::{Cover, Layer, Seen};

/// What stands at a path.
#[derive(Debug)]
pub enum Node {
    /// A directory.
    Directory(Directory),
    /// A file, open for reading.
    File(File, Stat),
    /// A link and where it leads, as text.
    Link(PathBuf, Stat),
}

/// Which of the folders something is in, and where there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) folder: usize,
    pub(crate) path: String,
}

/// How deep directories may lie in each other: whoever walks them holds every one on the way.
const DEEPEST: usize = 512;

/// A directory of the merged tree.
#[derive(Debug)]
pub struct Directory {
    /// The newest first; never empty.
    layers: Vec<Layer>,
    roots: Arc<[Layer]>,
    /// How far below the root it is.
    depth: usize,
    /// Of the newest layer.
    pub stat: Stat,
}

impl Directory {
    /// A tree of these folders, the newest first.
    pub fn of(folders: &[PathBuf]) -> Result<Self> {
        Self::showing(folders, |_| true)
    }

    /// The same, without what is in some of them: only what was renamed there shows.
    pub fn showing(folders: &[PathBuf], shown: impl Fn(&Path) -> bool) -> Result<Self> {
        let open = |(folder, path): (usize, &PathBuf)| -> Result<Layer> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let dir = Arc::new(openat(CWD, path, flags, Mode::empty()).at("open", path)?);
            let place = Place { folder, path: String::new() };
            Ok(Layer { place, dir, shown: shown(path) })
        };
        let roots: Arc<[Layer]> =
            folders.iter().enumerate().map(open).collect::<Result<Vec<_>>>()?.into();
        Self::new(roots.to_vec(), &roots, 0)?.ok_or_else(|| Error::Invalid {
            what: "drive".to_owned(),
            rule: "it has no layers".to_owned(),
        })
    }

    fn new(layers: Vec<Layer>, roots: &Arc<[Layer]>, depth: usize) -> Result<Option<Self>> {
        let Some(newest) = layers.first() else { return Ok(None) };
        let stat = fstat(&*newest.dir).at("look at", Path::new(&newest.place.path))?;
        Ok(Some(Self { layers, roots: Arc::clone(roots), depth, stat }))
    }

    /// The name that is there, for one of whatever case.
    pub fn spelling(&self, wanted: &str) -> Result<Option<String>> {
        let folded = fold::key(wanted);
        let names = self.names()?;
        if names.contains(wanted) {
            return Ok(Some(wanted.to_owned()));
        }
        Ok(names.into_iter().find(|name| fold::key(name) == folded))
    }

    /// Everything in it, in order, without what is hidden.
    pub fn names(&self) -> Result<BTreeSet<String>> {
        let (mut names, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for layer in self.layers.iter().filter(|layer| layer.shown) {
            for (name, kind) in layer.list()? {
                let whiteout = kind == FileType::CharacterDevice;
                if whiteout && !names.contains(&name) {
                    hidden.insert(name);
                } else if !whiteout && !hidden.contains(&name) {
                    names.insert(name);
                }
            }
        }
        Ok(names)
    }

    /// The names that the newest of the folders has in it, whiteouts too: what was written there.
    /// None when it does not have this directory at all.
    pub fn written(&self) -> Result<Option<BTreeSet<String>>> {
        let newest = self.layers.first().filter(|layer| layer.place.folder == 0);
        newest
            .map(|layer| Ok(layer.list()?.into_iter().map(|(name, _)| name).collect()))
            .transpose()
    }

    /// Whether what shows of the folders below is not what lies at this path there.
    pub fn covers(&self) -> Result<bool> {
        let newest = self.layers.first().expect("a directory is in some layer");
        Ok(!matches!(newest.cover()?, Cover::Through))
    }

    /// Opens the entry of this very name.
    pub fn open(&self, name: &str) -> Result<Option<Node>> {
        Ok(self.look(name)?.map(|(_, node)| node))
    }

    /// The same, and where it lies.
    pub(crate) fn look(&self, name: &str) -> Result<Option<(Place, Node)>> {
        let mut layers = Vec::new();
        if let Some((layer, node)) = self.gather(0, name, &mut layers)? {
            return Ok(Some((layer.place_of(name), node)));
        }
        if !layers.iter().any(|layer: &Layer| layer.shown) {
            return Ok(None);
        }
        let Some(directory) = Self::new(layers, &self.roots, self.depth + 1)? else {
            return Ok(None);
        };
        Ok(Some((directory.layers[0].place.clone(), Node::Directory(directory))))
    }

    /// The directory at `path`, of these very names; nothing when it is none.
    pub(crate) fn descend(&self, path: &str) -> Result<Option<Self>> {
        let (mut layers, mut depth) = (self.layers.clone(), self.depth);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Some(here) = Self::new(layers, &self.roots, depth)? else { return Ok(None) };
            layers = Vec::new();
            here.gather(0, name, &mut layers)?;
            depth += 1;
        }
        Self::new(layers, &self.roots, depth)
    }

    /// Where `name` would be in the folders below the newest.
    pub(crate) fn below(&self, name: &str) -> Option<String> {
        let lower = self.layers.iter().find(|layer| layer.place.folder > 0)?;
        Some(lower.place_of(name).path)
    }

    /// Where the directory itself is in the folders below the newest.
    pub(crate) fn itself_below(&self) -> Option<String> {
        let lower = self.layers.iter().find(|layer| layer.place.folder > 0)?;
        Some(lower.place.path.clone())
    }

    /// The layers of a directory of this name, from one of this directory's on, or what is no
    /// directory and lies over all of them.
    fn gather(
        &self,
        from: usize,
        name: &str,
        found: &mut Vec<Layer>,
    ) -> Result<Option<(&Layer, Node)>> {
        for (at, layer) in self.layers.iter().enumerate().skip(from) {
            match layer.look(name)? {
                Seen::Directory(dir) => {
                    if self.depth >= DEEPEST {
                        return Err(Error::invalid(
                            format!("folder `{}`", layer.place_of(name).path),
                            format!("it is more than {DEEPEST} folders deep"),
                        ));
                    }
                    let inner = Layer { place: layer.place_of(name), dir, shown: layer.shown };
                    let cover = inner.cover()?;
                    found.push(inner);
                    match cover {
                        Cover::Through => {}
                        Cover::Opaque => break,
                        Cover::Moved(from) => {
                            found.extend(self.moved(at, &from)?);
                            break;
                        }
                    }
                }
                Seen::Nothing => {}
                _ if !layer.shown => {}
                Seen::Other(node) if found.is_empty() => return Ok(Some((layer, node))),
                Seen::Whiteout | Seen::Other(_) => break,
            }
        }
        Ok(None)
    }

    /// What lies below a directory of the layer `at` that was renamed.
    fn moved(&self, at: usize, from: &str) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        if from.starts_with('/') {
            let below = self.layers[at].place.folder + 1;
            if let Some(root) = Self::new(self.roots[below..].to_vec(), &self.roots, 0)? {
                layers.extend(root.descend(from)?.into_iter().flat_map(|found| found.layers));
            }
        } else {
            self.gather(at + 1, from, &mut layers)?;
        }
        // Whoever renames something makes it his own.
        for layer in &mut layers {
            layer.shown = true;
        }
        Ok(layers)
    }
}

impl Layer {
    /// The names in it, but for those that are not Unicode: they cannot be reached from Windows.
    fn list(&self) -> Result<Vec<(String, FileType)>> {
        let at = Path::new(&self.place.path);
        let mut names = Vec::new();
        for entry in Dir::read_from(&*self.dir).at("list", at)? {
            let entry = entry.at("list", at)?;
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push((name.to_owned(), entry.file_type()));
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
