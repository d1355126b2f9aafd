//! Folders beneath a container's root, whatever an image has there.
//!
//! An image may hold links that lead anywhere: nothing is made through one. What is there already is
//! used as it is, since a host process can go where it likes by itself.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::ErrorKind;

/// The folder `below` the root, made where it is missing; `field` is what asked for it.
pub(super) fn folder(root: &Path, below: &str, field: &str) -> Result<PathBuf, ErrorKind> {
    let names = names(below, field)?;
    let whole = names.iter().fold(root.to_owned(), |path, name| path.join(name));
    if whole.is_dir() {
        return Ok(whole);
    }
    let mut path = root.to_owned();
    for name in names {
        path.push(name);
        step(&path).map_err(|error| {
            ErrorKind::io(format!("make the folder `{}`", path.display()), error)
        })?;
    }
    Ok(path)
}

fn names<'a>(below: &'a str, field: &str) -> Result<Vec<&'a str>, ErrorKind> {
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
}
