//! Out of a container: to a local path, or as a tar stream.

use engine::os::unix::fs::{set_mode, set_mode_of, symlink};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use engine::os::fs::Stat;
use image::merged::{Directory, Node};

use super::endpoint::Inside;
use super::view;

/// Where a copied tree goes.
trait Sink {
    fn directory(&mut self, path: &Path, stat: &Stat) -> Result<()>;
    fn file(&mut self, path: &Path, from: File, stat: &Stat) -> Result<()>;
    fn link(&mut self, path: &Path, target: &Path, stat: &Stat) -> Result<()>;
}

/// Copies what `path` names in `drive` to the local path `to`, or to stdout for `-`.
/// A link in a container leads anywhere; it is copied as what it is and never followed.
/// Tells how many bytes were in the files.
pub(super) fn copy(drive: Directory, path: &Inside, to: &str, follow: bool) -> Result<u64> {
    let name = path.parts.last().cloned().unwrap_or_else(|| ".".to_owned());
    let node = view::find(drive, path)?;
    if follow && let Node::Link(target, _) = &node {
        bail!("links of a container are not followed: name {} itself", target.display());
    }
    if (path.directory || path.contents) && !matches!(node, Node::Directory(_)) {
        bail!("{} is not a directory", path.display());
    }
    if to == "-" {
        let mut sink = TarSink { tar: tar::Builder::new(io::stdout().lock()) };
        let top = if path.contents { PathBuf::from(".") } else { PathBuf::from(name) };
        walk(node, &top, &mut sink)?;
        let written = sink.tar.into_inner().and_then(|mut out| out.flush());
        return written.map(|()| 0).context("writing the tar stream");
    }
    let place = place(&node, path, &name, Path::new(to))?;
    let mut sink = LocalSink { bytes: 0 };
    walk(node, &place, &mut sink)?;
    Ok(sink.bytes)
}

/// Docker's rule: into a directory that is there, else under the new name.
fn place(node: &Node, path: &Inside, name: &str, to: &Path) -> Result<PathBuf> {
    let is_directory = matches!(node, Node::Directory(_));
    if to.is_dir() {
        return Ok(if path.contents || path.parts.is_empty() {
            to.to_owned()
        } else {
            to.join(name)
        });
    }
    if to.exists() && is_directory {
        bail!("cannot copy a directory to the file {}", to.display());
    }
    if to.as_os_str().to_string_lossy().ends_with('/') && !is_directory {
        bail!("the destination directory {} does not exist", to.display());
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        bail!("the directory of {} does not exist", to.display());
    }
    Ok(to.to_owned())
}

/// Everything in `drive` as a tar archive, written to `out`.
pub(super) fn archive(drive: &Directory, out: impl Write) -> Result<()> {
    let mut sink = TarSink { tar: tar::Builder::new(io::BufWriter::with_capacity(1 << 20, out)) };
    for name in drive.names()? {
        if let Some(node) = drive.open(&name)? {
            walk(node, Path::new(&name), &mut sink)?;
        }
    }
    sink.tar.into_inner().and_then(|mut out| out.flush()).context("writing the tar stream")
}

fn walk(node: Node, path: &Path, sink: &mut impl Sink) -> Result<()> {
    match node {
        Node::File(file, stat) => sink.file(path, file, &stat),
        Node::Link(target, stat) => sink.link(path, &target, &stat),
        Node::Directory(directory) => {
            sink.directory(path, &directory.stat)?;
            for name in directory.names()? {
                // What goes away while it is looked at is not there.
                if let Some(node) = directory.open(&name)? {
                    walk(node, &path.join(&name), sink)?;
                }
            }
            Ok(())
        }
    }
}

/// Files of this host. What is in their way is replaced, links are never written through.
struct LocalSink {
    bytes: u64,
}

impl Sink for LocalSink {
    fn directory(&mut self, path: &Path, stat: &Stat) -> Result<()> {
        let making = || format!("creating {}", path.display());
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => fs::remove_file(path).with_context(making)?,
            Err(_) => {}
        }
        fs::create_dir(path).with_context(making)?;
        set_mode(path, stat.st_mode & 0o777).with_context(making)
    }

    fn file(&mut self, path: &Path, mut from: File, stat: &Stat) -> Result<()> {
        let making = || format!("writing {}", path.display());
        clear(path).with_context(making)?;
        let mut file = File::create_new(path).with_context(making)?;
        self.bytes += io::copy(&mut from, &mut file).with_context(making)?;
        set_mode_of(&file, stat.st_mode & 0o777).with_context(making)?;
        file.set_modified(modified(stat)).with_context(making)
    }

    fn link(&mut self, path: &Path, target: &Path, _: &Stat) -> Result<()> {
        let making = || format!("creating {}", path.display());
        clear(path).with_context(making)?;
        symlink(target, path).with_context(making)
    }
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn modified(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A tar stream.
struct TarSink<W: Write> {
    tar: tar::Builder<W>,
}

impl<W: Write> TarSink<W> {
    fn header(stat: &Stat, kind: tar::EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(stat.st_mode & 0o777);
        header.set_mtime(u64::try_from(stat.st_mtime).unwrap_or(0));
        header.set_size(size);
        header
    }
}

impl<W: Write> Sink for TarSink<W> {
    fn directory(&mut self, path: &Path, stat: &Stat) -> Result<()> {
        let mut header = Self::header(stat, tar::EntryType::Directory, 0);
        self.tar.append_data(&mut header, path, io::empty()).context("writing the tar stream")
    }

    fn file(&mut self, path: &Path, from: File, stat: &Stat) -> Result<()> {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let mut header = Self::header(stat, tar::EntryType::Regular, size);
        // One that grows or shrinks meanwhile must not tear the stream apart.
        let exactly = io::Read::chain(from, io::repeat(0));
        let exactly = io::Read::take(exactly, size);
        self.tar.append_data(&mut header, path, exactly).context("writing the tar stream")
    }

    fn link(&mut self, path: &Path, target: &Path, stat: &Stat) -> Result<()> {
        let mut header = Self::header(stat, tar::EntryType::Symlink, 0);
        self.tar.append_link(&mut header, path, target).context("writing the tar stream")
    }
}
