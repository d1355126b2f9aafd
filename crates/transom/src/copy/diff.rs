//! `diff`: what a container changed of its image's files, as docker lists it for Windows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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
    let mut all = BTreeMap::new();
    compare(upper, Some(&below), "", &mut all)?;
    Ok(all)
}

fn compare(
    upper: &Path,
    below: Option<&Directory>,
    at: &str,
    all: &mut BTreeMap<String, Kind>,
) -> Result<()> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let join = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    let mut here = Vec::new();
    for entry in std::fs::read_dir(upper).with_context(|| format!("reading {}", upper.display()))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let about = entry.metadata()?;
        let there = below.map(|below| below.open(&name)).transpose()?.flatten();
        here.push(name.clone());
        if about.file_type().is_char_device() && about.rdev() == 0 {
            if there.is_some() {
                all.insert(join(&name), Kind::Deleted);
            }
            continue;
        }
        let kind = if there.is_some() { Kind::Changed } else { Kind::Added };
        all.insert(join(&name), kind);
        if about.is_dir() {
            let inside = match &there {
                Some(view::Node::Directory(inside)) => Some(inside),
                _ => None,
            };
            compare(&entry.path(), inside, &join(&name), all)?;
        }
    }
    if let Some(below) = below.filter(|_| view::hides_below(upper)) {
        let gone = below.names()?.into_iter().filter(|name| !here.contains(name));
        all.extend(gone.map(|name| (join(&name), Kind::Deleted)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

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
