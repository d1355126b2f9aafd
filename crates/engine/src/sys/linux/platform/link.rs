//! Files that are taken from the host: as hard links where the file system allows, else as copies.
//!
//! A link shares its owner, mode and contents with the host's file, so none of these is ever
//! changed through it: what the layer holds is only read. A package upgrade puts a new file in the
//! old one's place and leaves the link alone.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::doing;

/// Puts `from`'s file at `to`, which must not exist; a link at `from` is followed.
pub(super) fn take(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    match linkat(CWD, from, CWD, to, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(()),
        // Another file system, too many links, a host that protects links.
        Err(rustix::io::Errno::XDEV | rustix::io::Errno::MLINK | rustix::io::Errno::PERM) => {
            std::fs::copy(from, to).map(drop)
        }
        Err(error) => Err(error.into()),
    }
    .map_err(|error| doing("taking over", from, &error))
}

/// Puts a link to `original` in the place of `copy` when both hold the same bytes.
pub(super) fn share(original: &Path, copy: &Path) -> io::Result<()> {
    if !same(original, copy)? {
        return Ok(());
    }
    let beside = copy.with_extension("transom-new");
    take(original, &beside)?;
    std::fs::rename(&beside, copy)
}

fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (first, second) = (std::fs::metadata(one)?, std::fs::metadata(other)?);
    if first.len() != second.len() || first.ino() == second.ino() {
        return Ok(false);
    }
    let (mut one, mut other) = (std::fs::File::open(one)?, std::fs::File::open(other)?);
    let (mut left, mut right) = (vec![0; 256 << 10], vec![0; 256 << 10]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

/// Takes over the files of a directory that `wanted` likes, into `to`, which is made.
pub(super) fn directory(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).map_err(|error| doing("reading", from, &error))? {
        let entry = entry?;
        let name = entry.file_name();
        if wanted(&name.to_string_lossy()) && std::fs::metadata(entry.path())?.is_file() {
            take(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}
