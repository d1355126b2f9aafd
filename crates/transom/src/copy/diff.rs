//! `diff`: what a container changed of its image's files, as docker lists it for Windows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result};
use image::merged::{Directory, Node};

use super::view;
use crate::cli::build::Diff;
use crate::host::Host;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Changed,
    Deleted,
}

/// `diff`
pub async fn command(host: &Host, args: Diff) -> Result<()> {
    let found = host.find(&args.container).await?;
    let platform = host.platform().await?;
    let folders = view::stopped(&found, &platform.drive_c)?;
    let changes = tokio::task::spawn_blocking(move || changes(&folders)).await??;
    for (path, kind) in changes {
        let letter = match kind {
            Kind::Added => 'A',
            Kind::Changed => 'C',
            Kind::Deleted => 'D',
        };
        println!("{letter} \\{}", path.replace('/', "\\"));
    }
    Ok(())
}

/// What the first of the folders changes of the others.
fn changes(folders: &[PathBuf]) -> Result<BTreeMap<String, Kind>> {
    let (_, lower) = folders.split_first().context("the container has no scratch")?;
    let mut comparing = Comparing::default();
    comparing.folder(Directory::of(folders)?, Some(Directory::of(lower)?), false, "")?;
    while let Some(Inner { here, below, moved, name, at }) = comparing.inner.pop() {
        let there = below.map(|below| below.open(&name)).transpose()?.flatten();
        let there = match there {
            Some(Node::Directory(there)) => Some(there),
            _ => None,
        };
        if let Some(Node::Directory(here)) = here.open(&name)? {
            comparing.folder(here, there, moved, &at)?;
        }
    }
    Ok(comparing.all)
}

/// What is known of what a container changed.
#[derive(Default)]
struct Comparing {
    all: BTreeMap<String, Kind>,
    inner: Vec<Inner>,
}

/// A folder in one that was compared, opened when its turn comes: no more are held than a path is
/// long.
struct Inner {
    here: Rc<Directory>,
    below: Option<Rc<Directory>>,
    moved: bool,
    name: String,
    at: String,
}

impl Comparing {
    /// Tells of what is in one folder. All of it is the container's if the folder hides what lies at
    /// this path below, as one that was renamed does.
    fn folder(
        &mut self,
        here: Directory,
        below: Option<Directory>,
        moved: bool,
        at: &str,
    ) -> Result<()> {
        let join =
            |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        let (here, below) = (Rc::new(here), below.map(Rc::new));
        let moved = moved || here.covers()?;
        let names = if moved { here.names()? } else { here.written()?.unwrap_or_default() };
        for name in &names {
            let there = below.as_ref().map(|below| below.open(name)).transpose()?.flatten();
            let now = here.open(name)?;
            let kind = match (&now, &there) {
                (Some(_), Some(_)) => Kind::Changed,
                (Some(_), None) => Kind::Added,
                (None, Some(_)) => Kind::Deleted,
                // What goes away while it is looked at is not there.
                (None, None) => continue,
            };
            self.all.insert(join(name), kind);
            if matches!(now, Some(Node::Directory(_))) {
                let (here, below) = (Rc::clone(&here), below.clone());
                let (name, at) = (name.clone(), join(name));
                self.inner.push(Inner { here, below, moved, name, at });
            }
        }
        if let Some(below) = below.filter(|_| moved) {
            let gone = below.names()?.into_iter().filter(|name| !names.contains(name));
            self.all.extend(gone.map(|name| (join(&name), Kind::Deleted)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engine::os::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

    use super::*;

    #[test]
    fn what_is_new_other_and_gone_is_told_with_the_folders_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        fs::create_dir_all(new.join("Dir")).unwrap();
        fs::create_dir_all(old.join("Dir")).unwrap();
        fs::create_dir_all(new.join("Again")).unwrap();
        fs::create_dir_all(old.join("Again")).unwrap();
        for path in ["Dir/gone", "Dir/other", "Dir/same", "Again/hidden"] {
            fs::write(old.join(path), "old").unwrap();
        }
        for path in ["Dir/other", "Dir/added"] {
            fs::write(new.join(path), "new").unwrap();
        }
        for path in ["Dir/gone", "Dir/never"] {
            mknodat(CWD, new.join(path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
        setxattr(new.join("Again"), "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
        // `ren Was Is`, and one file fewer in it.
        fs::create_dir_all(old.join("Was/sub")).unwrap();
        fs::write(old.join("Was/sub/file"), "old").unwrap();
        fs::write(old.join("Was/less"), "old").unwrap();
        fs::create_dir_all(new.join("Is")).unwrap();
        for path in ["Was", "Is/less"] {
            mknodat(CWD, new.join(path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
        setxattr(new.join("Is"), "trusted.overlay.redirect", b"Was", XattrFlags::empty()).unwrap();
        let all: Vec<_> = changes(&[new, old]).unwrap().into_iter().collect();
        let wanted = [
            ("Again", Kind::Changed),
            ("Again/hidden", Kind::Deleted),
            ("Dir", Kind::Changed),
            ("Dir/added", Kind::Added),
            ("Dir/gone", Kind::Deleted),
            ("Dir/other", Kind::Changed),
            ("Is", Kind::Added),
            ("Is/sub", Kind::Added),
            ("Is/sub/file", Kind::Added),
            ("Was", Kind::Deleted),
        ];
        assert_eq!(all, wanted.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn folders_may_be_deep_and_not_deeper_than_can_be_held() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        let deep = vec!["d"; 512].join("/");
        fs::create_dir_all(new.join(&deep)).unwrap();
        fs::create_dir_all(old.join("d/d")).unwrap();
        let folders = [new.clone(), old];
        let all = changes(&folders).unwrap();
        assert_eq!((all.len(), all[&deep]), (512, Kind::Added));
        fs::create_dir(new.join(&deep).join("d")).unwrap();
        let said = changes(&folders).unwrap_err().to_string();
        assert!(said.contains("more than 512 folders deep"), "{said}");
    }
}
