//! Filling a staging folder: what is done with each kind of entry.

use std::io::{self, Read};

use engine::os::fs::{Mode, mkdirat};

use super::meta::Meta;
use super::pool::{Job, Looks, Pool};
use super::source::Source;
use super::staging::Staging;
use super::tarball::{Entry, SPARSE, SPARSE_RULE, Tarball};
use super::tree::{FILES, HIVES, Id, Kind, Tree};
use super::{beneath, names};

/// Files up to this size are written by other threads.
const SMALL: u64 = 256 << 10;
const MAX_STREAM: u64 = 1 << 20;
/// What PAX records and streams of a whole layer may take in memory.
const MAX_META: u64 = 1 << 30;

/// Why an entry cannot be taken.
#[derive(Debug)]
pub(super) enum Refusal {
    Rule(String),
    Io(io::Error),
    /// A file written before it failed.
    Earlier(String, io::Error),
}

impl From<String> for Refusal {
    fn from(rule: String) -> Self {
        Self::Rule(rule)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<(String, io::Error)> for Refusal {
    fn from((path, error): (String, io::Error)) -> Self {
        Self::Earlier(path, error)
    }
}

/// Takes the entries of one archive.
pub(super) struct Filler<'a, 'scope> {
    staging: &'a Staging,
    pool: Pool<'scope>,
    archive: Tarball<Source>,
    tree: Tree,
    /// The entry before this one, by its name in the archive: the owner of streams that follow.
    last: Option<(String, Id)>,
    meta: u64,
}

impl<'a, 'scope> Filler<'a, 'scope> {
    pub(super) fn new(staging: &'a Staging, pool: Pool<'scope>, archive: Tarball<Source>) -> Self {
        let tree = Tree::new();
        Self { staging, pool, archive, tree, last: None, meta: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        self.archive.next()
    }

    /// Waits for the writers; gives what is on the disk, and the rest of the archive.
    pub(super) fn finish(self) -> Result<(Tree, Source), Refusal> {
        self.pool.finish()?;
        Ok((self.tree, self.archive.into_inner()))
    }

    pub(super) fn take(&mut self, entry: Entry) -> Result<(), Refusal> {
        let name = entry.name.clone();
        let mut parts = names::split(&name)?;
        let Some(last) = parts.pop() else {
            let empty = entry.kind == b'5';
            return if empty { Ok(()) } else { Err("an empty name".to_owned().into()) };
        };
        for part in &parts {
            names::check(part)?;
        }
        if last.contains(':') {
            return self.stream(&name, &entry);
        }
        let (marker, plain) = match last.strip_prefix(".wh.") {
            Some(removed) if parts.first() == Some(&"Files") => (true, removed),
            _ => (false, last),
        };
        if !plain.starts_with(".wh.") {
            names::check(plain)?;
        }
        let (root, below) = match parts.first().copied().unwrap_or(last) {
            "Files" => (FILES, parts.get(1..)),
            "Hives" => (HIVES, parts.get(1..)),
            "UtilityVM" => return Ok(()),
            _ => {
                return Err(
                    "not a Windows layer: only Files, Hives and UtilityVM may be at its top"
                        .to_owned()
                        .into(),
                );
            }
        };
        let Some(below) = below else { return self.top(root, entry) };
        // The service reads a hive, and would follow a link to wherever it leads.
        let is_plain = entry.kind == b'0' && !name.ends_with('/') && below.is_empty();
        if root == HIVES && !is_plain && !marker && !last.starts_with(".wh.") {
            return Err("Hives has plain files alone".to_owned().into());
        }
        let dir = self.folder(root, below)?;
        if marker {
            return self.whiteout(dir, plain);
        }
        if last.starts_with(".wh.") {
            return Err("only what is below Files can be removed".to_owned().into());
        }
        let id = self.add(dir, last, entry)?;
        self.last = Some((name, id));
        Ok(())
    }

    /// `Files` and `Hives` themselves.
    fn top(&mut self, root: Id, entry: Entry) -> Result<(), Refusal> {
        if entry.kind != b'5' {
            return Err("it must be a folder".to_owned().into());
        }
        self.last = Some((entry.name.trim_end_matches('/').to_owned(), root));
        self.set_meta(root, entry)
    }

    fn folder(&mut self, root: Id, parts: &[&str]) -> Result<Id, Refusal> {
        let staging = self.staging;
        self.tree.folder(root, parts, |tree, id| make_dir(staging, &tree.path(id)))
    }

    fn whiteout(&mut self, dir: Id, removed: &str) -> Result<(), Refusal> {
        match removed {
            ".wh..opq" => {
                if let Kind::Dir { opaque, .. } = &mut self.tree.node_mut(dir).kind {
                    *opaque = true;
                }
            }
            // Bookkeeping of one old file system.
            other if other.starts_with(".wh.") => {}
            removed => {
                self.tree.leaf(dir, removed, Kind::Whiteout, None)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, dir: Id, last: &str, entry: Entry) -> Result<Id, Refusal> {
        let folder = entry.kind == b'5' || (entry.kind == b'0' && entry.name.ends_with('/'));
        if folder {
            let id = match self.tree.child(dir, last) {
                Some(id) if matches!(self.tree.node(id).kind, Kind::Dir { .. }) => id,
                _ => {
                    let staging = self.staging;
                    let made = |tree: &Tree, id| make_dir(staging, &tree.path(id));
                    self.tree.folder(dir, &[last], made)?
                }
            };
            self.set_meta(id, entry)?;
            return Ok(id);
        }
        let size = entry.size;
        let kind = match entry.kind {
            b'0' => Kind::File,
            b'1' => Kind::HardLink(link_target(&entry.link)?),
            b'2' => Kind::Symlink(entry.link.clone()),
            b'3' | b'4' => {
                return Err("device nodes have no place in a Windows layer".to_owned().into());
            }
            b'6' => return Err("named pipes have no place in a Windows layer".to_owned().into()),
            SPARSE => return Err(SPARSE_RULE.to_owned().into()),
            other => {
                return Err(format!("entries of type `{}` are not known", char::from(other)).into());
            }
        };
        let is_file = matches!(kind, Kind::File);
        let meta = self.weighed(Meta::of(entry))?;
        let looks = is_file.then(|| Looks::of(&meta));
        let id = self.tree.leaf(dir, last, kind, Some(meta))?;
        if let Some(looks) = looks {
            self.write(id, size, looks)?;
        }
        Ok(id)
    }

    fn write(&mut self, id: Id, size: u64, looks: Looks) -> Result<(), Refusal> {
        let path = self.tree.path(id);
        if size <= SMALL {
            let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            self.archive.read_to_end(&mut data)?;
            return Ok(self.pool.submit(Job { path, data, looks })?);
        }
        let mut file = beneath::create(self.staging.root(), &path, Mode::from_raw_mode(0o600))?;
        self.archive.copy_to(&mut file)?;
        Ok(looks.apply(&file)?)
    }

    /// An alternate data stream belongs to the entry that it follows.
    fn stream(&mut self, name: &str, entry: &Entry) -> Result<(), Refusal> {
        let owner = names::split_stream(name).filter(|_| entry.kind == b'0');
        let found = owner
            .zip(self.last.as_ref())
            .filter(|((owner, _), (last, _))| *owner == last.trim_end_matches('/'));
        let Some(((_, stream), &(_, id))) = found else {
            return Err("a stream of no file: it must follow the file that it is a part of"
                .to_owned()
                .into());
        };
        if entry.size > MAX_STREAM {
            return Err(format!("an alternate data stream above {MAX_STREAM} bytes").into());
        }
        let mut data = Vec::new();
        self.archive.read_to_end(&mut data)?;
        self.weigh(entry.size)?;
        let meta = self.tree.node_mut(id).meta.get_or_insert_default();
        meta.streams.push((stream.to_owned(), data));
        Ok(())
    }

    fn set_meta(&mut self, id: Id, entry: Entry) -> Result<(), Refusal> {
        let meta = self.weighed(Meta::of(entry))?;
        self.tree.node_mut(id).meta = Some(meta);
        Ok(())
    }

    fn weighed(&mut self, meta: Meta) -> Result<Box<Meta>, Refusal> {
        meta.check()?;
        self.weigh(meta.weight())?;
        Ok(Box::new(meta))
    }

    fn weigh(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.meta += bytes;
        if self.meta > MAX_META {
            return Err(format!("attributes of the layer's entries above {MAX_META} bytes").into());
        }
        Ok(())
    }
}

/// The target of a hard link: an entry's name, so its rules are those of names.
fn link_target(link: &str) -> Result<Vec<String>, Refusal> {
    let parts = names::split(link).map_err(|rule| format!("its target `{link}`: {rule}"))?;
    match parts.split_first() {
        Some((&"Files", below)) if !below.is_empty() => {
            for part in below {
                names::check(part).map_err(|rule| format!("its target `{link}`: {rule}"))?;
            }
            Ok(below.iter().map(|&part| part.to_owned()).collect())
        }
        _ => Err(format!("its target `{link}` is not below Files").into()),
    }
}

fn make_dir(staging: &Staging, path: &str) -> Result<(), Refusal> {
    let (parent, name) = path.rsplit_once('/').expect("every folder lies below fs or hives");
    let parent = beneath::open_dir(staging.root(), parent).map_err(io::Error::from)?;
    mkdirat(&parent, name, Mode::from_raw_mode(0o755)).map_err(io::Error::from)?;
    Ok(())
}
