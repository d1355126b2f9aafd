//! One layer of a directory: how a name stands in it, and what it hides.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::os::fd::OwnedFd;
use engine::os::fs::{AtFlags, FileType, Mode, OFlags, fgetxattr, openat, readlinkat, statat};
use engine::os::io::Errno;

use super::{Node, Place};
use crate::error::{IoContext, Result};

/// The longest path that the kernel writes there.
const LONGEST: usize = 4096;

/// A directory of one of the folders.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) place: Place,
    pub(super) dir: Arc<OwnedFd>,
    /// What is in it is a part of the tree, and not only there to be renamed.
    pub(super) shown: bool,
}

/// How a name stands in one layer.
pub(super) enum Seen {
    Nothing,
    Whiteout,
    Directory(Arc<OwnedFd>),
    Other(Node),
}

/// What a directory shows of the layers below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// What is there under its name.
    Through,
    Opaque,
    /// What is there under another name in the same directory, or with a `/` in front at another
    /// path of the tree.
    Moved(String),
}

impl Layer {
    pub(super) fn place_of(&self, name: &str) -> Place {
        let Place { folder, path } = &self.place;
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        Place { folder: *folder, path }
    }

    pub(super) fn look(&self, name: &str) -> Result<Seen> {
        look(&self.dir, name).at("look at", Path::new(&self.place_of(name).path))
    }

    /// No container can set these attributes: the kernel does, as whoever mounted the overlay.
    pub(super) fn cover(&self) -> Result<Cover> {
        cover(&self.dir).at("look at", Path::new(&self.place.path))
    }
}

fn look(dir: &OwnedFd, name: &str) -> io::Result<Seen> {
    match stand(dir, name) {
        // Perhaps it has just gone away.
        Err(Errno::NOENT) => Ok(Seen::Nothing),
        other => Ok(other?),
    }
}

fn stand(dir: &OwnedFd, name: &str) -> Result<Seen, Errno> {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |more| openat(dir, name, flags | more, Mode::empty());
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Seen::Directory(Arc::new(open(OFlags::DIRECTORY)?)),
        FileType::RegularFile => Seen::Other(Node::File(File::from(open(OFlags::NONBLOCK)?), stat)),
        FileType::Symlink => {
            let target = readlinkat(dir, name, Vec::new())?;
            Seen::Other(Node::Link(PathBuf::from(target.to_string_lossy().into_owned()), stat))
        }
        FileType::CharacterDevice if stat.st_rdev == 0 => Seen::Whiteout,
        // Sockets and the like: nothing of Windows, and nothing to copy.
        _ => Seen::Nothing,
    })
}

fn cover(dir: &OwnedFd) -> io::Result<Cover> {
    if attribute(dir, "trusted.overlay.opaque")?.is_some_and(|value| value == b"y") {
        return Ok(Cover::Opaque);
    }
    let Some(from) = attribute(dir, "trusted.overlay.redirect")? else {
        return Ok(Cover::Through);
    };
    let bad = |rule| io::Error::new(io::ErrorKind::InvalidData, rule);
    let from = String::from_utf8(from).map_err(|_| bad("its former name is not Unicode"))?;
    let relative = from.strip_prefix('/').unwrap_or(&from);
    let whole = relative.split('/').all(|name| !matches!(name, "" | "." | ".."));
    if !whole || relative == from && relative.contains('/') {
        return Err(bad("its former name is no path"));
    }
    Ok(Cover::Moved(from))
}

fn attribute(dir: &OwnedFd, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; LONGEST];
    match fgetxattr(dir, name, &mut value) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
