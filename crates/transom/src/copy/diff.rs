//! `diff`: what a container changed of its image's files, as docker lists it for Windows.

use engine::os::fd::OwnedFd;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use engine::os::fs::{AtFlags, Dir, FileType, Mode};

use super::view::{self, Directory};
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
    let (upper, lower) = folders.split_first().context("the container has no scratch")?;
    let below = Directory::of(lower)?;
    let open = engine::os::fs::open(upper, view::directory_flags(), Mode::empty());
    let upper = open.with_context(|| format!("opening {}", upper.display()))?;
    let mut all = BTreeMap::new();
    compare(&upper, Some(&below), "", &mut all)?;
    Ok(all)
}

/// A container that runs may change its files under our hands, so each step is taken beneath a
/// descriptor, and no link is followed.
fn compare(
    upper: &OwnedFd,
    below: Option<&Directory>,
    at: &str,
    all: &mut BTreeMap<String, Kind>,
) -> Result<()> {
    let join = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    let mut here = Vec::new();
    for entry in Dir::read_from(upper).with_context(|| format!("reading {at}"))? {
        let entry = entry.with_context(|| format!("reading {at}"))?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        // What goes away while it is looked at is not there.
        let Ok(about) = engine::os::fs::statat(upper, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        let there = below.map(|below| below.open(name)).transpose()?.flatten();
        here.push(name.to_owned());
        let kind = FileType::from_raw_mode(about.st_mode);
        if kind == FileType::CharacterDevice && about.st_rdev == 0 {
            if there.is_some() {
                all.insert(join(name), Kind::Deleted);
            }
            continue;
        }
        let change = if there.is_some() { Kind::Changed } else { Kind::Added };
        all.insert(join(name), change);
        let flags = view::directory_flags();
        if kind == FileType::Directory
            && let Ok(inner) = engine::os::fs::openat(upper, name, flags, Mode::empty())
        {
            let inside = match &there {
                Some(view::Node::Directory(inside)) => Some(inside),
                _ => None,
            };
            compare(&inner, inside, &join(name), all)?;
        }
    }
    if let Some(below) = below.filter(|_| view::is_opaque(upper)) {
        let gone = below.names()?.into_iter().filter(|name| !here.contains(name));
        all.extend(gone.map(|name| (join(&name), Kind::Deleted)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engine::os::fs::{CWD, XattrFlags, mknodat, setxattr};

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
        let all: Vec<_> = changes(&[new, old]).unwrap().into_iter().collect();
        let wanted = [
            ("Again", Kind::Changed),
            ("Again/hidden", Kind::Deleted),
            ("Dir", Kind::Changed),
            ("Dir/added", Kind::Added),
            ("Dir/gone", Kind::Deleted),
            ("Dir/other", Kind::Changed),
        ];
        assert_eq!(all, wanted.map(|(path, kind)| (path.to_owned(), kind)));
    }
}
