//! Into a container: from a local path, or from a tar stream.

use engine::os::fd::{AsFd, OwnedFd};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use engine::os::fs::{AtFlags, FileType, Mode, OFlags};
use image::merged::{Directory, Node};

use super::endpoint::Inside;
use super::source::{self, Local, Source};

/// Where files are written to: the merged drive of a running container, or the scratch of one that
/// does not run.
pub(super) struct Target {
    /// What is there, for finding names.
    pub(super) drive: Directory,
    /// What is written to.
    pub(super) writable: OwnedFd,
}

impl Target {
    /// Copies `source` to `path`, and tells how many bytes the tar stream had.
    pub(super) fn copy(self, source: Source, path: &Inside) -> Result<u64> {
        match source {
            Source::Stdin => match self.descend(path)? {
                (folder, None) => unpack(&folder, source::stdin()),
                _ => bail!("{} is not a directory in the container", path.display()),
            },
            Source::Local(local) => {
                let (folder, top) = self.place(path, &local)?;
                let (reader, packing) = local.stream(&top)?;
                let unpacked = unpack(&folder, reader);
                let packed = packing.join().expect("packing does not panic");
                // When one side stops, the other fails for it: the cause is told first.
                match (packed, unpacked) {
                    (Err(error), unpacked) if error.kind() == io::ErrorKind::BrokenPipe => unpacked,
                    (packed, unpacked) => packed.context("reading the source").and(unpacked),
                }
            }
        }
    }

    /// Docker's rule: into a directory that is there, else under the new name.
    fn place(self, path: &Inside, local: &Local) -> Result<(OwnedFd, String)> {
        let (folder, missing) = self.descend(path)?;
        match missing {
            None if local.contents => Ok((folder, ".".to_owned())),
            None => Ok((folder, check(&local.name)?.to_owned())),
            Some(_) if path.directory && !local.directory => {
                bail!("the directory {} does not exist in the container", path.display())
            }
            Some(name) => Ok((folder, check(&name)?.to_owned())),
        }
    }

    /// Follows `path` as far as it is directories, making in the scratch what it lacks of them.
    fn descend(self, path: &Inside) -> Result<(OwnedFd, Option<String>)> {
        let (mut drive, mut writable) = (self.drive, self.writable);
        let missing =
            || format!("the directory of {} does not exist in the container", path.display());
        for (at, part) in path.parts.iter().enumerate() {
            let last = at + 1 == path.parts.len();
            let Some(spelled) = drive.spelling(part)? else {
                if last {
                    return Ok((writable, Some(part.clone())));
                }
                bail!(missing());
            };
            match drive.open(&spelled)? {
                Some(Node::Directory(inner)) => {
                    writable = enter(&writable, &spelled)?;
                    drive = inner;
                }
                Some(Node::File(..)) if last => return Ok((writable, Some(spelled))),
                _ => bail!("{}: {spelled} is a file or a link", missing()),
            }
        }
        Ok((writable, None))
    }
}

/// Unpacks a tar stream, and tells how long it was.
fn unpack(folder: &OwnedFd, from: impl Read) -> Result<u64> {
    let mut tar = tar::Archive::new(Counting { from, count: 0 });
    for entry in tar.entries().context("reading the tar stream")? {
        let entry = entry.context("reading the tar stream")?;
        let name = entry.path().context("reading the tar stream")?.into_owned();
        unpack_entry(folder, entry).with_context(|| format!("unpacking {}", name.display()))?;
    }
    Ok(tar.into_inner().count)
}

/// Counts what goes through.
struct Counting<R> {
    from: R,
    count: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

fn unpack_entry(root: &OwnedFd, mut entry: tar::Entry<'_, impl Read>) -> Result<()> {
    let path = entry.path()?.into_owned();
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => {
                parts.push(check(name.to_str().context("the name is not UTF-8")?)?.to_owned());
            }
            _ => bail!("the name would leave the directory"),
        }
    }
    let Some(name) = parts.pop() else { return Ok(()) };
    let mut folder = root.try_clone()?;
    for part in parts {
        folder = enter(&folder, &part)?;
    }
    match entry.header().entry_type() {
        tar::EntryType::Directory => enter(&folder, &name).map(drop),
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let mode = entry.header().mode()?;
            let modified = UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
            write_file(&folder, &name, mode, modified, &mut entry)
        }
        tar::EntryType::Symlink => {
            let target = entry.link_name()?.context("a link without a target")?.into_owned();
            write_link(&folder, &name, &target)
        }
        other => bail!("entries of kind {other:?} are not supported"),
    }
}

/// A name that cannot mean anything but an entry of its folder, here and on Windows.
fn check(name: &str) -> Result<&str> {
    if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\\', ':', '\0']) {
        bail!("`{name}` cannot be a file's name");
    }
    Ok(name)
}

fn write_file(
    folder: &OwnedFd,
    name: &str,
    mode: u32,
    modified: SystemTime,
    from: &mut impl Read,
) -> Result<()> {
    clear(folder, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode((mode & 0o777) | 0o644);
    let file = engine::os::fs::openat(folder, check(name)?, flags, mode)
        .with_context(|| format!("creating {name}"))?;
    let mut file = File::from(file);
    io::copy(from, &mut file).with_context(|| format!("writing {name}"))?;
    file.set_modified(modified).with_context(|| format!("writing {name}"))
}

fn write_link(folder: &OwnedFd, name: &str, target: &Path) -> Result<()> {
    clear(folder, name)?;
    engine::os::fs::symlinkat(target, folder, check(name)?)
        .with_context(|| format!("creating {name}"))
}

/// Makes room for a file: what is there goes, unless it is a directory.
fn clear(folder: &OwnedFd, name: &str) -> Result<()> {
    match engine::os::fs::unlinkat(folder, check(name)?, AtFlags::empty()) {
        Ok(()) | Err(engine::os::io::Errno::NOENT) => Ok(()),
        Err(engine::os::io::Errno::ISDIR) => {
            bail!("cannot overwrite the directory {name} with a file")
        }
        Err(error) => Err(error).with_context(|| format!("replacing {name}")),
    }
}

/// Opens a directory, making it when it is not there.
fn enter(folder: &OwnedFd, name: &str) -> Result<OwnedFd> {
    let name = check(name)?;
    let making = || format!("creating the directory {name}");
    let hidden = match engine::os::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => {
            FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
        }
        Err(_) => false,
    };
    if hidden {
        engine::os::fs::unlinkat(folder, name, AtFlags::empty()).with_context(making)?;
    }
    let mode = Mode::from_raw_mode(0o755);
    match engine::os::fs::mkdirat(folder, name, mode) {
        Ok(()) | Err(engine::os::io::Errno::EXIST) => {}
        Err(error) => return Err(error).with_context(making),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entered =
        engine::os::fs::openat(folder, name, flags, Mode::empty()).with_context(making)?;
    if hidden {
        // What it hid stays hidden.
        let flags = engine::os::fs::XattrFlags::empty();
        engine::os::fs::fsetxattr(entered.as_fd(), "trusted.overlay.opaque", b"y", flags)
            .with_context(making)?;
    }
    Ok(entered)
}

#[cfg(test)]
mod tests {
    use engine::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open = engine::os::fs::open(folder.path(), flags, Mode::empty()).unwrap();
        (folder, open)
    }

    fn archive(name: &str, link: Option<&str>) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        // Written by hand: the crate itself refuses some of these names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        match link {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name(target).unwrap();
                header.set_size(0);
            }
            None => header.set_size(4),
        }
        header.set_cksum();
        let content: &[u8] = if link.is_some() { b"" } else { b"evil" };
        tar.append(&header, content).unwrap();
        tar.into_inner().unwrap()
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../x", "/x", "a/../../x", "a:b", "c\\d"] {
            let (folder, open) = folder();
            assert!(unpack(&open, archive(name, None).as_slice()).is_err(), "{name}");
            assert!(!folder.path().parent().unwrap().join("x").exists(), "{name}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (outside, _) = folder();
        let (inside, open) = folder();
        std::fs::write(outside.path().join("f"), "kept").unwrap();
        symlink(outside.path(), inside.path().join("link")).unwrap();
        symlink(outside.path().join("f"), inside.path().join("f")).unwrap();
        assert!(unpack(&open, archive("link/f", None).as_slice()).is_err());
        unpack(&open, archive("f", None).as_slice()).unwrap();
        assert_eq!(std::fs::read_to_string(outside.path().join("f")).unwrap(), "kept");
        assert_eq!(std::fs::read_to_string(inside.path().join("f")).unwrap(), "evil");
    }

    #[test]
    fn a_directory_is_not_replaced_by_a_file() {
        let (inside, open) = folder();
        std::fs::create_dir(inside.path().join("d")).unwrap();
        assert!(unpack(&open, archive("d", None).as_slice()).is_err());
    }
}
