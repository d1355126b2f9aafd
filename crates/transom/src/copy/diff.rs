//! `diff`: what a container changed of its image's files, as docker lists it for Windows.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
    let below = Directory::of(lower)?;
    let mut all = BTreeMap::new();
    compare(&Directory::of(folders)?, Some(&below), false, "", &mut all)?;
    Ok(all)
}

/// Tells of what is in one folder. All of it is the container's if the folder hides what lies at
/// this path below, as one that was renamed does.
fn compare(
    here: &Directory,
    below: Option<&Directory>,
    moved: bool,
    at: &str,
    all: &mut BTreeMap<String, Kind>,
) -> Result<()> {
    let join = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    let whole = moved || here.covers()?;
    let names = if whole { here.names()? } else { here.written()?.unwrap_or_default() };
    for name in &names {
        let there = below.map(|below| below.open(name)).transpose()?.flatten();
        let now = here.open(name)?;
        let kind = match (&now, &there) {
            (Some(_), Some(_)) => Kind::Changed,
            (Some(_), None) => Kind::Added,
            (None, Some(_)) => Kind::Deleted,
            // What goes away while it is looked at is not there.
            (None, None) => continue,
        };
        all.insert(join(name), kind);
        if let Some(Node::Directory(now)) = &now {
            let there = match &there {
                Some(Node::Directory(there)) => Some(there),
                _ => None,
            };
            compare(now, there, whole, &join(name), all)?;
        }
    }
    if let Some(below) = below.filter(|_| whole) {
        let gone = below.names()?.into_iter().filter(|name| !names.contains(name));
        all.extend(gone.map(|name| (join(&name), Kind::Deleted)));
    }
    Ok(())
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
}
