//! `COPY` and `ADD`: which files, and writing them into the upper directory of a new layer.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use image::Digest;

use crate::ignore::{Ignore, name_matches};
use crate::view::{Node, View, parts};

/// Why files cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A source that is not there.
    #[error("\"{0}\": not found")]
    Missing(String),
    /// Several files for one name.
    #[error(
        "When using COPY with more than one source file, the destination must be a directory and end with a / or \\"
    )]
    NotADirectory,
    /// A name that Windows cannot hold.
    #[error("`{0}` cannot be a file's name on Windows")]
    Name(String),
    /// An archive that would have to be unpacked.
    #[error(
        "{0} is an archive, and ADD does not unpack archives yet: use --unpack=false, or COPY and tar"
    )]
    Archive(String),
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, CopyError>;

/// Files to copy: where each goes below the destination, in order.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    items: Vec<Item>,
    /// The destination is a directory, whatever is there.
    directory: bool,
}

#[derive(Debug)]
struct Item {
    /// Below the destination; empty is the destination itself.
    path: String,
    /// What the source is called, should the destination be a directory.
    name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Directory,
    File(PathBuf),
    Text(String),
    Link(PathBuf),
}

impl Selection {
    /// Whether the destination is told to be a directory.
    pub(crate) fn into_directory(directory: bool) -> Self {
        Self { items: Vec::new(), directory }
    }

    /// A file whose text stands in the Dockerfile.
    pub(crate) fn text(&mut self, name: &str, text: String) {
        let what = What::Text(text);
        self.items.push(Item { path: String::new(), name: name.to_owned(), what });
    }

    /// What `pattern` (a path from the root, slashes) matches in `view`.
    pub(crate) fn source(&mut self, view: &View, pattern: &str, hidden: &Ignore) -> Result<()> {
        let wild = pattern.contains(['*', '?', '[']);
        let mut paths = vec![String::new()];
        for part in parts(pattern) {
            let mut next = Vec::new();
            for path in &paths {
                let io = at(path);
                if !part.contains(['*', '?', '[']) {
                    next.push(format!("{path}/{part}"));
                } else if let Some(Node::Directory(folder)) = view.find(path).map_err(io)? {
                    let names = folder.names().map_err(at(path))?;
                    let names = names.into_iter().filter(|name| name_matches(&part, name));
                    next.extend(names.map(|name| format!("{path}/{name}")));
                }
            }
            paths = next;
        }
        self.directory |= wild;
        for path in paths {
            let visible = path.is_empty() || !hidden.hides(&path) || hidden.may_keep_below();
            match view.find(&path).map_err(at(&path))?.filter(|_| visible) {
                Some(Node::Directory(folder)) => {
                    self.directory = true;
                    self.tree(&folder, &path, "", hidden)?;
                }
                Some(Node::File(file)) if !hidden.hides(&path) => {
                    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                    self.items.push(Item { path: String::new(), name, what: What::File(file) });
                }
                _ if wild => {}
                _ => return Err(CopyError::Missing(path)),
            }
        }
        Ok(())
    }

    fn tree(&mut self, folder: &View, path: &str, below: &str, hidden: &Ignore) -> Result<()> {
        for name in folder.names().map_err(at(path))? {
            let path = format!("{path}/{name}");
            let below = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let is_hidden = hidden.hides(&path);
            let what = match folder.open(&name).map_err(at(&path))? {
                Some(Node::Directory(inner)) => {
                    if !is_hidden {
                        self.push(&below, What::Directory);
                    }
                    if !is_hidden || hidden.may_keep_below() {
                        self.tree(&inner, &path, &below, hidden)?;
                    }
                    continue;
                }
                Some(Node::File(file)) => What::File(file),
                Some(Node::Link(target)) => What::Link(target),
                None => continue,
            };
            if !is_hidden {
                self.push(&below, what);
            }
        }
        Ok(())
    }

    fn push(&mut self, path: &str, what: What) {
        self.items.push(Item { path: path.to_owned(), name: String::new(), what });
    }

    /// A digest of names and contents, without times.
    pub(crate) fn digest(&self) -> Result<Digest> {
        let mut all = String::new();
        for item in &self.items {
            let (kind, content) = match &item.what {
                What::Directory => ("directory", String::new()),
                What::File(path) => ("file", hash(path)?),
                What::Text(text) => ("file", Digest::of(text.as_bytes()).to_string()),
                What::Link(target) => ("link", target.to_string_lossy().into_owned()),
            };
            let line = serde_json::json!([item.path, item.name, kind, content]);
            all.push_str(&line.to_string());
            all.push('\n');
        }
        Ok(Digest::of(all.as_bytes()))
    }

    /// Writes everything below `destination` (slashes; one at the end means a directory) into
    /// `upper`, as names are spelled in `drive`.
    pub(crate) fn write(&self, drive: &View, upper: &Path, destination: &str) -> Result<()> {
        let there =
            matches!(drive.find(destination).map_err(at(destination))?, Some(Node::Directory(_)));
        let directory = self.directory || there || destination.ends_with('/');
        if !directory && self.items.len() > 1 {
            return Err(CopyError::NotADirectory);
        }
        if directory {
            make(drive, upper, destination)?;
        }
        for item in &self.items {
            let mut path = destination.trim_end_matches('/').to_owned();
            for name in [&item.path, &item.name].into_iter().filter(|name| !name.is_empty()) {
                if directory {
                    path = format!("{path}/{name}");
                }
            }
            item.what.write(drive, upper, &path)?;
        }
        Ok(())
    }
}

impl What {
    fn write(&self, drive: &View, upper: &Path, path: &str) -> Result<()> {
        if matches!(self, Self::Directory) {
            return make(drive, upper, path).map(drop);
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = make(drive, upper, folder)?;
        let to = folder.join(check(name)?);
        if fs::symlink_metadata(&to).is_ok_and(|about| !about.is_dir()) {
            fs::remove_file(&to).map_err(at(&to))?;
        }
        match self {
            Self::Directory => {}
            Self::Text(text) => fs::write(&to, text).map_err(at(&to))?,
            Self::Link(target) => std::os::unix::fs::symlink(target, &to).map_err(at(&to))?,
            Self::File(from) => {
                let mut source = File::open(from).map_err(at(from))?;
                let mut file = File::create_new(&to).map_err(at(&to))?;
                io::copy(&mut source, &mut file).map_err(at(&to))?;
                let about = source.metadata().map_err(at(from))?;
                let times = about.modified().and_then(|time| file.set_modified(time));
                times.map_err(at(&to))?;
            }
        }
        Ok(())
    }
}

/// Makes a directory with those on the way to it, as they are spelled in `drive`.
pub(crate) fn make(drive: &View, upper: &Path, path: &str) -> Result<PathBuf> {
    let mut made = upper.to_owned();
    let mut below = Some(drive.clone());
    for part in parts(path) {
        check(&part)?;
        let spelled = match &below {
            Some(view) => view.spelling(&part).map_err(at(path))?,
            None => None,
        };
        let here = View::drive(vec![made.clone()]);
        let name = match spelled {
            Some(name) => name,
            None => here.spelling(&part).map_err(at(path))?.unwrap_or(part),
        };
        below = match below.map(|view| view.open(&name)) {
            Some(node) => match node.map_err(at(path))? {
                Some(Node::Directory(view)) => Some(view),
                _ => None,
            },
            None => None,
        };
        made.push(name);
        match fs::create_dir(&made) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(at(&made)(error));
            }
            _ => {}
        }
    }
    Ok(made)
}

/// A name that means nothing but an entry of its folder, here and on Windows.
fn check(name: &str) -> Result<&str> {
    let bad = name.is_empty()
        || matches!(name, "." | "..")
        || name.ends_with(['.', ' '])
        || name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|'])
        || name.chars().any(char::is_control);
    if bad { Err(CopyError::Name(name.to_owned())) } else { Ok(name) }
}

fn hash(path: &Path) -> Result<String> {
    Ok(digest(path).map_err(at(path))?.to_string())
}

/// The digest of a file's content.
pub(crate) fn digest(path: &Path) -> io::Result<Digest> {
    Digest::of_reader(File::open(path)?)
}

fn at(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.as_ref().to_owned();
    move |source| CopyError::Io { path, source }
}

/// How gzip, bzip2, xz and zstd begin.
const MAGIC: [&[u8]; 4] =
    [&[0x1f, 0x8b], b"BZh", &[0xfd, b'7', b'z', b'X', b'Z'], &[0x28, 0xb5, 0x2f, 0xfd]];

/// Refuses what `ADD` would unpack.
pub(crate) fn refuse_archives(selection: &Selection) -> Result<()> {
    for item in &selection.items {
        if let (What::File(path), true) = (&item.what, item.path.is_empty()) {
            let mut head = Vec::new();
            let mut file = io::Read::take(File::open(path).map_err(at(path))?, 512);
            io::Read::read_to_end(&mut file, &mut head).map_err(at(path))?;
            let is_tar = head.get(257..262) == Some(b"ustar");
            if is_tar || MAGIC.iter().any(|magic| head.starts_with(magic)) {
                return Err(CopyError::Archive(item.name.clone()));
            }
        }
    }
    Ok(())
}
