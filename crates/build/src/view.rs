//! Folders laid over each other, read as an overlay would show them, with nothing mounted: the layers
//! of an image, or a context, which is one folder.
//!
//! A name is looked up element by element and no link is followed unless asked for, and then never
//! out of the view. What is looked at does not change meanwhile: layers never do.

use engine::os::unix::fs::{FileTypeExt, MetadataExt};
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

const MOST_LINKS: usize = 40;

/// Folders laid over each other, the newest first.
#[derive(Debug, Clone)]
pub(crate) struct View {
    folders: Vec<PathBuf>,
    /// Names are the same whatever their case.
    folds: bool,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A directory.
    Directory(View),
    /// A file.
    File(PathBuf),
    /// A link, and where it leads.
    Link(PathBuf),
}

impl View {
    /// The drive of an image.
    pub(crate) fn drive(folders: Vec<PathBuf>) -> Self {
        Self { folders, folds: true }
    }

    /// One folder.
    pub(crate) fn folder(folder: &Path) -> Self {
        Self { folders: vec![folder.to_owned()], folds: false }
    }

    /// Its folder, when it is one only.
    pub(crate) fn single(&self) -> Option<&Path> {
        match &self.folders[..] {
            [folder] => Some(folder),
            _ => None,
        }
    }

    /// The names in it, without those that are hidden.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let (mut names, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for folder in &self.folders {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else {
                    let path = entry.path();
                    let rule = format!("{}: the name is not UTF-8", path.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, rule));
                };
                if is_whiteout(&entry.metadata()?) {
                    hidden.insert(name);
                } else if !hidden.contains(&name) {
                    names.insert(name);
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The name that is there for `wanted`.
    pub(crate) fn spelling(&self, wanted: &str) -> io::Result<Option<String>> {
        if self.open(wanted)?.is_some() {
            return Ok(Some(wanted.to_owned()));
        }
        if !self.folds {
            return Ok(None);
        }
        let folded = image::folded(wanted);
        Ok(self.names()?.into_iter().find(|name| image::folded(name) == folded))
    }

    /// The entry of this very name.
    pub(crate) fn open(&self, name: &str) -> io::Result<Option<Node>> {
        let mut folders = Vec::new();
        for folder in &self.folders {
            let path = folder.join(name);
            let about = match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            if about.is_dir() {
                let opaque = is_opaque(&path);
                folders.push(path);
                if opaque {
                    break;
                }
                continue;
            }
            if folders.is_empty() && about.is_file() {
                return Ok(Some(Node::File(path)));
            }
            if folders.is_empty() && about.is_symlink() {
                return Ok(Some(Node::Link(fs::read_link(&path)?)));
            }
            // A whiteout, or a file below a directory: both hide what is further down.
            break;
        }
        let found = !folders.is_empty();
        Ok(found.then_some(Node::Directory(Self { folders, folds: self.folds })))
    }

    /// What `path` (slashes) names, links followed, the last one too.
    pub(crate) fn find(&self, path: &str) -> io::Result<Option<Node>> {
        let itself = || Some(Node::Directory(self.clone()));
        Ok(self.walk(path)?.pop().map_or_else(itself, |(_, node)| node))
    }

    /// The names on the way to where `path` (slashes) leads, links followed, each as it is spelled
    /// here and with what it is. Where nothing is, names stay as they were written.
    pub(crate) fn walk(&self, path: &str) -> io::Result<Vec<(String, Option<Node>)>> {
        let mut left: Vec<String> = parts(path).rev().collect();
        let mut way: Vec<(String, Option<Node>)> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                way.pop();
                continue;
            }
            let folder = match way.last() {
                None => Some(self),
                Some((_, Some(Node::Directory(view)))) => Some(view),
                Some(_) => None,
            };
            let found = folder.map(|view| view.look(&part)).transpose()?.flatten();
            let Some((_, Node::Link(target))) = found else {
                let (name, node) = found.map_or((part, None), |(name, node)| (name, Some(node)));
                way.push((name, node));
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("too many links"));
            }
            let target = target.to_string_lossy().into_owned();
            if target.starts_with('/') {
                way.clear();
            }
            left.extend(parts(&target).rev());
        }
        Ok(way)
    }

    /// The name that is there for `wanted`, and what it is.
    fn look(&self, wanted: &str) -> io::Result<Option<(String, Node)>> {
        let Some(name) = self.spelling(wanted)? else { return Ok(None) };
        Ok(self.open(&name)?.map(|node| (name, node)))
    }

    /// Which folder of an image's layer something is from, and its path on the drive; none of what
    /// is in a context.
    pub(crate) fn layer_of<'a>(&self, path: &'a Path) -> Option<(PathBuf, &'a Path)> {
        let mut roots = self.folders.iter().filter(|_| self.folds);
        roots.find_map(|root| Some((root.parent()?.to_owned(), path.strip_prefix(root).ok()?)))
    }

    /// The newest of its folders.
    pub(crate) fn newest(&self) -> Option<&Path> {
        self.folders.first().map(PathBuf::as_path)
    }
}

/// The elements of a path with slashes.
pub(crate) fn parts(path: &str) -> impl DoubleEndedIterator<Item = String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned)
}

fn is_whiteout(about: &Metadata) -> bool {
    about.file_type().is_char_device() && about.rdev() == 0
}

fn is_opaque(path: &Path) -> bool {
    let mut value = [0_u8; 1];
    engine::os::fs::lgetxattr(path, "trusted.overlay.opaque", &mut value)
        .is_ok_and(|_| value == *b"y")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_folders_hide_older_ones_and_links_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let (new, old) = (dir.path().join("new"), dir.path().join("old"));
        fs::create_dir_all(new.join("App")).unwrap();
        fs::create_dir_all(old.join("App/Sub")).unwrap();
        fs::write(new.join("App/x"), "new").unwrap();
        fs::write(old.join("App/x"), "old").unwrap();
        fs::write(old.join("App/Sub/y"), "y").unwrap();
        engine::os::unix::fs::symlink("../../../../App/Sub", old.join("App/link")).unwrap();
        let view = View::drive(vec![new.clone(), old]);
        let read = |path: &str| match view.find(path).unwrap() {
            Some(Node::File(path)) => fs::read_to_string(path).unwrap(),
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(read("/app/X"), "new");
        assert_eq!(read("APP/link/y"), "y");
        assert!(View::folder(&new).find("app/x").unwrap().is_none());
        assert!(view.find("App/none").unwrap().is_none());
        let way = |path: &str| {
            let way = view.walk(path).unwrap();
            let is_there = way.iter().filter(|(_, node)| node.is_some()).count();
            (way.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join("/"), is_there)
        };
        assert_eq!(way("APP/link/New/x"), ("App/Sub/New/x".to_owned(), 2));
        assert_eq!(way("app/link/../X"), ("App/x".to_owned(), 2));
        assert_eq!(view.layer_of(&new.join("App/x")), Some((dir.path().into(), "App/x".as_ref())));
        assert_eq!(View::folder(&new).layer_of(&new.join("App/x")), None);
    }

    #[test]
    fn names_are_the_same_where_windows_says_so() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["\u{39f}\u{394}\u{39f}\u{3a3}", "stra\u{df}e", "k"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let view = View::drive(vec![dir.path().to_owned()]);
        // The last letter has two lower-case forms, of which one stands at the end of a word only.
        for there in
            ["\u{3bf}\u{3b4}\u{3bf}\u{3c3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}", "STRA\u{df}E", "K"]
        {
            assert!(view.spelling(there).unwrap().is_some(), "{there}");
        }
        for other in ["STRA\u{1e9e}E", "STRASSE", "\u{212a}"] {
            assert_eq!(view.spelling(other).unwrap(), None, "{other}");
        }
    }
}
