//! Writing what was selected into the upper directory of a new layer, as names are spelled below.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use engine::os::fs::XattrFlags;

use super::selection::{Selection, What};
use super::{CopyError, Result, at};
use crate::view::{Node, View, parts};

impl Selection {
    /// Writes everything below `destination` (slashes; one at the end means a directory) into
    /// `upper`, as names are spelled in `drive`.
    pub(crate) fn write(&self, drive: &View, upper: &Path, destination: &str) -> Result<()> {
        let there =
            matches!(drive.find(destination).map_err(at(destination))?, Some(Node::Directory(_)));
        let directory = self.directory || there || destination.ends_with('/');
        if !directory && self.items.len() > 1 {
            return Err(CopyError::NotADirectory);
        }
        let owner = self.owner.as_deref();
        if directory {
            make_for(drive, upper, destination, owner)?;
        }
        for item in &self.items {
            let mut path = destination.trim_end_matches('/').to_owned();
            for name in [&item.path, &item.name].into_iter().filter(|name| !name.is_empty()) {
                if directory {
                    path = format!("{path}/{name}");
                }
            }
            item.what.write(drive, upper, &path, owner)?;
        }
        Ok(())
    }
}

impl What {
    fn write(&self, drive: &View, upper: &Path, path: &str, owner: Option<&str>) -> Result<()> {
        if matches!(self, Self::Directory) {
            let made = make_for(drive, upper, path, owner)?;
            return give(&made, owner);
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = make_for(drive, upper, folder, owner)?;
        let to = folder.join(check(name)?);
        if fs::symlink_metadata(&to).is_ok_and(|about| !about.is_dir()) {
            fs::remove_file(&to).map_err(at(&to))?;
        }
        match self {
            Self::Directory => {}
            Self::Text(text) => fs::write(&to, text).map_err(at(&to))?,
            // A link has no access list of its own.
            Self::Link(target) => {
                return engine::os::unix::fs::symlink(target, &to).map_err(at(&to));
            }
            Self::File(from) => copy(from, &to)?,
        }
        give(&to, owner)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(at(from))?;
    let mut file = File::create_new(to).map_err(at(to))?;
    if engine::os::fs::ioctl_ficlone(&file, &source).is_err() {
        io::copy(&mut source, &mut file).map_err(at(to))?;
    }
    let about = source.metadata().map_err(at(from))?;
    let times = about.modified().and_then(|time| file.set_modified(time));
    times.map_err(at(to))
}

/// Notes whose something is, for whoever makes a layer of it.
fn give(path: &Path, owner: Option<&str>) -> Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    engine::os::fs::setxattr(path, image::OWNER_ATTRIBUTE, owner.as_bytes(), XattrFlags::empty())
        .map_err(|error| at(path)(error.into()))
}

/// Makes a directory with those on the way to it, as they are spelled in `drive`.
pub(crate) fn make(drive: &View, upper: &Path, path: &str) -> Result<PathBuf> {
    make_for(drive, upper, path, None)
}

/// The same; what is new belongs to `owner`.
pub(crate) fn make_for(
    drive: &View,
    upper: &Path,
    path: &str,
    owner: Option<&str>,
) -> Result<PathBuf> {
    let mut made = upper.to_owned();
    let mut below = Some(drive.clone());
    for part in parts(path) {
        check(&part)?;
        let spelled = match &below {
            Some(view) => view.spelling(&part).map_err(at(path))?,
            None => None,
        };
        let here = View::drive(vec![made.clone()]);
        let is_new = spelled.is_none();
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
        if make_one(&made)? && is_new {
            give(&made, owner)?;
        }
    }
    Ok(made)
}

/// Makes a directory in the upper one; false when it was there. What is written below must not
/// follow a link that was copied there before.
fn make_one(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => return Ok(false),
        Ok(_) => fs::remove_file(path).map_err(at(path))?,
        Err(_) => {}
    }
    fs::create_dir(path).map_err(at(path))?;
    Ok(true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Filter, Kept};

    #[test]
    fn a_link_that_was_copied_is_not_followed_out() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two, out) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("out"));
        for folder in [&one, &two.join("door"), &out, &dir.path().join("upper")] {
            fs::create_dir_all(folder).unwrap();
        }
        engine::os::unix::fs::symlink(&out, one.join("door")).unwrap();
        fs::write(two.join("door/planted"), "x").unwrap();
        let mut selection = Selection::into_directory(true);
        for folder in [one, two] {
            let view = View::folder(&folder);
            selection.source(&view, "/", &Filter::default(), Kept::Name).unwrap();
        }
        let upper = dir.path().join("upper");
        selection.write(&View::drive(Vec::new()), &upper, "/d/").unwrap();
        assert!(upper.join("d/door/planted").is_file());
        assert!(fs::read_dir(out).unwrap().next().is_none());
    }

    #[test]
    fn missing_folders_are_the_owners_and_those_that_are_there_are_not() {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let (lower, upper) = (dir.path().join("lower"), dir.path().join("upper"));
        for folder in [lower.join("App"), upper.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        let drive = View::drive(vec![lower]);
        if make_for(&drive, &upper, "/app/new", Some("S-1-5-18")).is_err() {
            // Only root may set such attributes.
            return;
        }
        let owner = |path: &str| {
            let mut value = [0; 64];
            let path = upper.join(path);
            engine::os::fs::getxattr(path, image::OWNER_ATTRIBUTE, &mut value).ok()
        };
        assert_eq!((owner("App"), owner("App/new")), (None, Some(8)));
    }
}
