//! A container's C:, put together from its layers without mounting anything.
//!
//! Names are found as overlayfs finds them: in the newest layer first, with whiteouts (character
//! devices 0:0) hiding what is below and opaque directories hiding the rest of theirs; and as
//! Windows compares them, whatever their case. Every step opens one name beneath a descriptor that
//! is held, and follows no link.

use engine::os::fd::OwnedFd;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::os::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::endpoint::Inside;
use crate::store::Found;

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Node {
    /// A directory: its layers, the newest first.
    Directory(Directory),
    /// A file, open for reading.
    File(File, Stat),
    /// A link and where it leads, as text.
    Link(PathBuf, Stat),
}

/// A directory of the merged tree.
#[derive(Debug)]
pub(super) struct Directory {
    layers: Vec<OwnedFd>,
    /// Of the newest layer.
    pub(super) stat: Stat,
}

/// How a name stands in one layer.
enum Seen {
    Nothing,
    Whiteout,
    Directory(OwnedFd),
    Other(Node),
}

impl Directory {
    /// A tree of these folders, the newest first.
    pub(super) fn of(folders: &[PathBuf]) -> Result<Self> {
        let mut layers = Vec::new();
        for folder in folders {
            let open = engine::os::fs::open(folder, directory_flags(), Mode::empty());
            layers.push(open.with_context(|| format!("opening {}", folder.display()))?);
        }
        let first = layers.first().context("the container has no layers")?;
        let stat = engine::os::fs::fstat(first)?;
        Ok(Self { layers, stat })
    }

    /// Follows `path` to what it names.
    pub(super) fn find(self, path: &Inside) -> Result<Node> {
        let missing = || format!("could not find the file {} in the container", path.display());
        let mut node = Node::Directory(self);
        for part in &path.parts {
            let Node::Directory(directory) = node else { bail!("{}: not a directory", missing()) };
            let spelled = directory.spelling(part)?.with_context(missing)?;
            node = directory.open(&spelled)?.with_context(missing)?;
        }
        Ok(node)
    }

    /// The name that is there, for one of whatever case.
    pub(super) fn spelling(&self, wanted: &str) -> Result<Option<String>> {
        let folded = wanted.to_lowercase();
        let names = self.names()?;
        if names.contains(wanted) {
            return Ok(Some(wanted.to_owned()));
        }
        Ok(names.into_iter().find(|name| name.to_lowercase() == folded))
    }

    /// Everything in it, in order, without what is hidden.
    pub(super) fn names(&self) -> Result<BTreeSet<String>> {
        let (mut names, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for layer in &self.layers {
            for entry in Dir::read_from(layer).context("reading a directory")? {
                let entry = entry.context("reading a directory")?;
                let Ok(name) = entry.file_name().to_str() else { continue };
                if matches!(name, "." | "..") || hidden.contains(name) {
                    continue;
                }
                let whiteout = entry.file_type() == FileType::CharacterDevice;
                if whiteout && !names.contains(name) {
                    hidden.insert(name.to_owned());
                } else if !whiteout {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names)
    }

    /// Opens the entry of this very name.
    pub(super) fn open(&self, name: &str) -> Result<Option<Node>> {
        let mut layers = Vec::new();
        for layer in &self.layers {
            match look(layer, name).with_context(|| format!("opening {name}"))? {
                Seen::Nothing => {}
                Seen::Directory(directory) => {
                    let opaque = is_opaque(&directory);
                    layers.push(directory);
                    if opaque {
                        break;
                    }
                }
                Seen::Other(node) if layers.is_empty() => return Ok(Some(node)),
                Seen::Whiteout | Seen::Other(_) => break,
            }
        }
        let Some(newest) = layers.first() else { return Ok(None) };
        let stat = engine::os::fs::fstat(newest)?;
        Ok(Some(Node::Directory(Self { layers, stat })))
    }
}

pub(super) fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn look(layer: &OwnedFd, name: &str) -> io::Result<Seen> {
    let stat = match engine::os::fs::statat(layer, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(engine::os::io::Errno::NOENT) => return Ok(Seen::Nothing),
        other => other?,
    };
    let open = |flags| engine::os::fs::openat(layer, name, flags, Mode::empty());
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Seen::Directory(open(directory_flags())?),
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
            Seen::Other(Node::File(File::from(open(flags)?), stat))
        }
        FileType::Symlink => {
            let target = engine::os::fs::readlinkat(layer, name, Vec::new())?;
            Seen::Other(Node::Link(PathBuf::from(target.to_string_lossy().into_owned()), stat))
        }
        FileType::CharacterDevice if stat.st_rdev == 0 => Seen::Whiteout,
        // Sockets and the like: nothing of Windows, and nothing to copy.
        _ => Seen::Nothing,
    })
}

/// Whether a directory shows nothing of those below it.
pub(super) fn is_opaque(directory: &OwnedFd) -> bool {
    let mut value = [0_u8; 1];
    engine::os::fs::fgetxattr(directory, "trusted.overlay.opaque", &mut value)
        .is_ok_and(|_| value == *b"y")
}

/// The folders of a container that does not run, the newest first.
pub(super) fn stopped(found: &Found, platform: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![upper(found)?];
    let mut layers: Vec<PathBuf> =
        found.record.layers.iter().map(|layer| layer.join("fs")).collect();
    // The platform stands for the base layer's Windows, and wins over it.
    let base = layers.pop();
    folders.extend(layers);
    folders.push(platform.to_owned());
    folders.extend(base);
    Ok(folders)
}

/// Where a container's own files are.
pub(super) fn upper(found: &Found) -> Result<PathBuf> {
    let upper = found.folder.scratch().join("upper");
    if !upper.is_dir() {
        bail!(
            "container {} has a scratch of a fixed size, which is mounted only while it runs: \
             start it to copy",
            found.record.name
        );
    }
    Ok(upper)
}

/// The drive of a running container, as it sees it itself.
pub(super) fn running(silos: &Path, id: &str) -> Result<PathBuf> {
    let pid =
        std::fs::read_to_string(silos.join(id).join("pid")).context("finding the container")?;
    let pid: u32 = pid.trim().parse().context("finding the container")?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.context("finding the container's first process")?;
    let first = children.split_whitespace().next().context("the container has just ended")?;
    Ok(PathBuf::from(format!("/proc/{first}/root/wine/drive_c")))
}

#[cfg(test)]
mod tests {
    use engine::os::unix::fs::symlink;
    use std::fs;

    use engine::os::fs::{CWD, XattrFlags, mknodat, setxattr};

    use super::*;

    /// Two layers: `new` over `old`.
    fn layers() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        for layer in [&new, &old] {
            fs::create_dir_all(layer.join("Dir")).unwrap();
        }
        (folder, new, old)
    }

    fn find(new: &Path, old: &Path, path: &str) -> Result<Node> {
        let drive = Directory::of(&[new.to_owned(), old.to_owned()])?;
        drive.find(&Inside::parse(path)?)
    }

    fn text(node: Node) -> String {
        let Node::File(file, _) = node else { panic!("not a file") };
        io::read_to_string(file).unwrap()
    }

    #[test]
    fn the_newest_layer_wins_and_case_does_not_matter() {
        let (_folder, new, old) = layers();
        fs::write(old.join("Dir/a.txt"), "old").unwrap();
        fs::write(new.join("Dir/a.txt"), "new").unwrap();
        fs::write(old.join("Dir/only-old"), "kept").unwrap();
        assert_eq!(text(find(&new, &old, r"c:\DIR\A.TXT").unwrap()), "new");
        assert_eq!(text(find(&new, &old, "dir/only-old").unwrap()), "kept");
    }

    #[test]
    fn what_is_whited_out_or_below_an_opaque_directory_is_gone() {
        let (_folder, new, old) = layers();
        fs::write(old.join("gone"), "x").unwrap();
        fs::write(old.join("Dir/hidden"), "x").unwrap();
        let device = (FileType::CharacterDevice, Mode::empty(), 0);
        mknodat(CWD, new.join("gone"), device.0, device.1, device.2).unwrap();
        setxattr(new.join("Dir"), "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
        assert!(find(&new, &old, "gone").is_err());
        assert!(find(&new, &old, "dir/hidden").is_err());
        let drive = Directory::of(&[new, old]).unwrap();
        assert_eq!(drive.names().unwrap().into_iter().collect::<Vec<_>>(), ["Dir"]);
    }

    #[test]
    fn a_link_leads_nowhere() {
        let (folder, new, old) = layers();
        fs::write(folder.path().join("secret"), "host").unwrap();
        symlink(folder.path(), new.join("out")).unwrap();
        assert!(matches!(find(&new, &old, "out").unwrap(), Node::Link(..)));
        assert!(find(&new, &old, "out/secret").is_err());
    }
}
