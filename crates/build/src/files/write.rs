//! Writing what was selected into the upper directory of a new layer, as names are spelled below.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use engine::os::fs::XattrFlags;

use super::selection::{Selection, What};
use super::{CopyError, Result, at};
use crate::view::{Node, View};

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
            let written = item.what.write(drive, upper, &path, owner)?;
            if let Some(written) = written {
                note(&written, image::DESCRIPTOR_ATTRIBUTE, item.descriptor.as_deref())?;
            }
        }
        Ok(())
    }
}

impl What {
    /// Tells where it now is, if it has an access list of its own.
    fn write(
        &self,
        drive: &View,
        upper: &Path,
        path: &str,
        owner: Option<&str>,
    ) -> Result<Option<PathBuf>> {
        if matches!(self, Self::Directory(_)) {
            let made = make_for(drive, upper, path, owner)?;
            give(&made, owner)?;
            return Ok(Some(made));
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = make_for(drive, upper, folder, owner)?;
        let to = folder.join(check(name)?);
        if fs::symlink_metadata(&to).is_ok_and(|about| !about.is_dir()) {
            fs::remove_file(&to).map_err(at(&to))?;
        }
        match self {
            Self::Directory(_) => {}
            Self::Text(text) => fs::write(&to, text).map_err(at(&to))?,
            // A link has no access list of its own.
            Self::Link(target) => {
                engine::os::unix::fs::symlink(target, &to).map_err(at(&to))?;
                return Ok(None);
            }
            Self::File(from) => copy(from, &to)?,
        }
        give(&to, owner)?;
        Ok(Some(to))
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
    note(path, image::OWNER_ATTRIBUTE, owner)
}

/// Notes something in an attribute that no container can set.
fn note(path: &Path, attribute: &str, value: Option<&str>) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    engine::os::fs::setxattr(path, attribute, value.as_bytes(), XattrFlags::empty())
        .map_err(|error| at(path)(error.into()))
}

/// Makes a directory with those on the way to it, as they are spelled in `drive`.
pub(crate) fn make(drive: &View, upper: &Path, path: &str) -> Result<PathBuf> {
    make_for(drive, upper, path, None)
}

/// The same; what is new belongs to `owner`. Links that are in `drive` are followed: nobody who works
/// in a folder by another name wants an empty one in the place of it.
pub(crate) fn make_for(
    drive: &View,
    upper: &Path,
    path: &str,
    owner: Option<&str>,
) -> Result<PathBuf> {
    let mut made = upper.to_owned();
    for (name, node) in drive.walk(path).map_err(at(path))? {
        check(&name)?;
        let is_new = node.is_none();
        let here = View::drive(vec![made.clone()]);
        let spelled = if is_new { here.spelling(&name).map_err(at(path))? } else { None };
        made.push(spelled.unwrap_or(name));
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
    fn a_folder_that_a_link_leads_to_is_the_one_that_is_written_into() {
        let dir = tempfile::tempdir().unwrap();
        let (lower, upper) = (dir.path().join("lower"), dir.path().join("upper"));
        for folder in [lower.join("App/Real"), upper.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        for (name, target) in [("door", "Real"), ("out", "../../../../etc"), ("loop", "loop")] {
            engine::os::unix::fs::symlink(target, lower.join("App").join(name)).unwrap();
        }
        let drive = View::drive(vec![lower]);
        let made = |path: &str| make(&drive, &upper, path).unwrap();
        assert_eq!(made("/app/DOOR/new"), upper.join("App/Real/new"));
        assert_eq!(made("/app/out/x"), upper.join("etc/x"), "and never out of the drive");
        assert!(make(&drive, &upper, "/app/loop/x").is_err());
        assert!(!upper.join("App/door").exists());
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
