//! What one layer holds, in memory: names, kinds and attributes, no data.
//!
//! A name is looked up by its folded key, so two spellings of one name meet here.

use std::collections::BTreeMap;

use super::fold;
use super::meta::Meta;
use super::names::Rule;

/// A position in the tree.
pub(crate) type Id = usize;

/// `Files/` of the archive, `fs/` of the folder.
pub(crate) const FILES: Id = 0;
/// `Hives/` of the archive, `hives/` of the folder.
pub(crate) const HIVES: Id = 1;

/// A file or folder.
#[derive(Debug)]
pub(crate) struct Node {
    /// As spelled on the disk.
    pub(crate) name: String,
    pub(crate) parent: Id,
    pub(crate) kind: Kind,
    /// Absent for folders that the archive does not mention itself.
    pub(crate) meta: Option<Box<Meta>>,
}

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum Kind {
    Dir {
        children: BTreeMap<String, Id>,
        /// Nothing of the layers below shows through.
        opaque: bool,
    },
    File,
    /// Another name of a file of this layer or of a parent: its path below `Files/`.
    HardLink(Vec<String>),
    /// A symbolic link or junction, with its target as the archive has it.
    Symlink(String),
    /// The layers' below file or folder of this name is gone.
    Whiteout,
}

impl Kind {
    pub(crate) fn dir() -> Self {
        Self::Dir { children: BTreeMap::new(), opaque: false }
    }
}

/// The nodes; a parent always comes before its children.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let root = |name: &str, id| Node {
            name: name.to_owned(),
            parent: id,
            kind: Kind::dir(),
            meta: None,
        };
        Self { nodes: vec![root("fs", FILES), root("hives", HIVES)] }
    }

    pub(crate) fn ids(&self) -> std::ops::Range<Id> {
        0..self.nodes.len()
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub(crate) fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id]
    }

    /// The child of `dir` that Windows would find under `name`.
    pub(crate) fn child(&self, dir: Id, name: &str) -> Option<Id> {
        match &self.nodes[dir].kind {
            Kind::Dir { children, .. } => children.get(&fold::key(name)).copied(),
            _ => None,
        }
    }

    /// The node at a path below `root`.
    pub(crate) fn find<'a>(
        &self,
        root: Id,
        parts: impl IntoIterator<Item = &'a str>,
    ) -> Option<Id> {
        parts.into_iter().try_fold(root, |dir, part| self.child(dir, part))
    }

    /// The folder at `parts` below `root`; `made` hears of each that was not there.
    pub(crate) fn folder<E: From<Rule>>(
        &mut self,
        root: Id,
        parts: &[&str],
        mut made: impl FnMut(&Self, Id) -> Result<(), E>,
    ) -> Result<Id, E> {
        let mut dir = root;
        for part in parts {
            let there = self.child(dir, part);
            let id = there.unwrap_or_else(|| self.add(dir, part, Kind::dir(), None));
            let replaces = matches!(self.nodes[id].kind, Kind::Whiteout);
            self.enter(id)?;
            if there.is_none() || replaces {
                made(self, id)?;
            }
            dir = id;
        }
        Ok(dir)
    }

    /// Makes sure that `id` can hold children. A whiteout becomes a folder that hides what is below.
    fn enter(&mut self, id: Id) -> Result<(), Rule> {
        match &self.nodes[id].kind {
            Kind::Dir { .. } => Ok(()),
            Kind::Whiteout => {
                self.nodes[id].kind = Kind::Dir { children: BTreeMap::new(), opaque: true };
                Ok(())
            }
            Kind::File | Kind::HardLink(_) => Err("it lies below something that is a file".into()),
            Kind::Symlink(_) => Err("it lies below something that is a link".into()),
        }
    }

    /// Adds what is no folder.
    pub(crate) fn leaf(
        &mut self,
        dir: Id,
        name: &str,
        kind: Kind,
        meta: Option<Box<Meta>>,
    ) -> Result<Id, Rule> {
        let Some(id) = self.child(dir, name) else {
            return Ok(self.add(dir, name, kind, meta));
        };
        let whiteout = matches!(kind, Kind::Whiteout);
        let there = &mut self.nodes[id];
        match &mut there.kind {
            Kind::Dir { opaque, .. } if whiteout => *opaque = true,
            // It was removed below and is new here: only the new one counts.
            _ if whiteout => {}
            Kind::Whiteout => {
                (there.kind, there.meta, there.name) = (kind, meta, name.to_owned());
            }
            _ if there.name == name => return Err("the layer has two entries of this name".into()),
            _ => return Err(format!("it differs from `{}` by case only", there.name)),
        }
        Ok(id)
    }

    fn add(&mut self, parent: Id, name: &str, kind: Kind, meta: Option<Box<Meta>>) -> Id {
        let id = self.nodes.len();
        self.nodes.push(Node { name: name.to_owned(), parent, kind, meta });
        if let Kind::Dir { children, .. } = &mut self.nodes[parent].kind {
            children.insert(fold::key(name), id);
        }
        id
    }

    /// The path of a node in the layer's folder (`fs/Windows`).
    pub(crate) fn path(&self, id: Id) -> String {
        let node = &self.nodes[id];
        if node.parent == id {
            return node.name.clone();
        }
        let mut path = self.path(node.parent);
        path.push('/');
        path.push_str(&node.name);
        path
    }

    /// The names from below the root down to a node.
    pub(crate) fn parts(&self, id: Id) -> Vec<String> {
        self.path(id).split('/').skip(1).map(str::to_owned).collect()
    }
}
