//! Folders beneath a container's root, whatever an image has there.
//!
//! An image may hold links that lead anywhere: nothing is made through one. Only a process' working
//! folder may lead through links that are there, since a host process can go where it likes by itself.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::ErrorKind;

/// The folder `below` the root, made where it is missing; `field` is what asked for it.
pub(super) fn folder(root: &Path, below: &str, field: &str) -> Result<PathBuf, ErrorKind> {
    let mut path = root.to_owned();
    for name in names(below, field)? {
        path.push(name);
        step(&path).map_err(|error| {
            ErrorKind::io(format!("make the folder `{}`", path.display()), error)
        })?;
    }
    Ok(path)
}

/// The same for somebody who goes there: one that is there is used, wherever it leads.
pub(super) fn used(root: &Path, below: &str, field: &str) -> Result<PathBuf, ErrorKind> {
    let whole = names(below, field)?.iter().fold(root.to_owned(), |path, name| path.join(name));
    if whole.is_dir() { Ok(whole) } else { folder(root, below, field) }
}

/// The names on the way.
pub(super) fn names<'a>(below: &'a str, field: &str) -> Result<Vec<&'a str>, ErrorKind> {
    let names = below.split(['\\', '/']).filter(|name| !name.is_empty() && *name != ".");
    let names: Vec<_> = names.collect();
    if names.iter().any(|name| *name == ".." || name.contains(':')) {
        return Err(ErrorKind::InvalidDocument {
            field: field.to_owned(),
            value: below.to_owned(),
            rule: "a folder beneath the container's root, without `..`".into(),
        });
    }
    Ok(names)
}

fn step(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::create_dir(path),
        Err(error) => Err(error),
        Ok(about) if about.is_dir() => Ok(()),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::NotADirectory, "a link or a file is in its way"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_beneath_the_root_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let made = folder(root.path(), r"\a/b\.\c", "F").unwrap();
        assert_eq!(made, root.path().join("a").join("b").join("c"));
        assert!(made.is_dir());
        assert_eq!(folder(root.path(), r"\", "F").unwrap(), root.path());
        for wrong in [r"..\x", r"a\..\..\x", "a/../b", r"D:\x", "x:y"] {
            let refused = folder(root.path(), wrong, "F").unwrap_err();
            assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{wrong}: {refused:?}");
        }
        std::fs::write(root.path().join("file"), "").unwrap();
        let refused = folder(root.path(), r"file\x", "F").unwrap_err();
        assert!(matches!(refused, ErrorKind::Io { .. }), "{refused:?}");
    }

    #[test]
    fn nothing_is_made_through_a_link_but_a_process_may_go_there() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(elsewhere.path().join("there")).unwrap();
        let link = root.path().join("link");
        let made = std::os::windows::fs::symlink_dir(elsewhere.path(), &link);
        if made.is_err() || std::fs::symlink_metadata(&link).is_err() {
            println!("no links can be made here: Wine lacks them, others need a privilege");
            return;
        }
        for through in ["link", r"link\there", r"link\new"] {
            let refused = folder(root.path(), through, "F").unwrap_err();
            assert!(matches!(refused, ErrorKind::Io { .. }), "{through}: {refused:?}");
        }
        assert!(!elsewhere.path().join("new").exists());
        let there = used(root.path(), r"link\there", "F").unwrap();
        assert_eq!(there, link.join("there"));
        used(root.path(), r"link\new", "F").unwrap_err();
    }
}
