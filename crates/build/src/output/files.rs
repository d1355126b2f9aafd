//! The files of an image, without what makes them one: a tar archive, or a folder.
//!
//! All that its layers hold, as names are on `C:`; not the platform's Windows, which is the host's.
//! A folder that is there is added to, and nothing is written through a link that stands in it.

use engine::os::unix::fs::{MetadataExt, set_mode_of, symlink};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::view::{Node, View};

/// Where files go.
trait Sink {
    fn folder(&mut self, path: &Path) -> io::Result<()>;
    fn file(&mut self, path: &Path, file: File) -> io::Result<()>;
    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()>;
}

/// Writes an archive of everything in `view`. No time is newer than `epoch`.
pub(super) fn archive(view: &View, epoch: Option<i64>, out: impl Write) -> io::Result<()> {
    let tar = tar::Builder::new(io::BufWriter::with_capacity(1 << 20, out));
    let mut sink = Archive { tar, epoch };
    walk(view, Path::new(""), &mut sink)?;
    sink.tar.into_inner()?.flush()
}

/// Writes everything in `view` into a folder.
pub(super) fn folder(view: &View, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    walk(view, Path::new(""), &mut Folder(to.to_owned()))
}

fn walk(view: &View, at: &Path, sink: &mut impl Sink) -> io::Result<()> {
    for name in view.names()? {
        let path = at.join(&name);
        match view.open(&name)? {
            Some(Node::Directory(inside)) => {
                sink.folder(&path)?;
                walk(&inside, &path, sink)?;
            }
            Some(Node::File(file)) => sink.file(&path, File::open(file)?)?,
            Some(Node::Link(target)) => sink.link(&path, &target)?,
            None => {}
        }
    }
    Ok(())
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    epoch: Option<i64>,
}

impl<W: Write> Archive<W> {
    fn header(&self, kind: tar::EntryType, mode: u32, size: u64, mtime: i64) -> tar::Header {
        let mtime = self.epoch.map_or(mtime, |epoch| mtime.min(epoch));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(u64::try_from(mtime).unwrap_or(0));
        header
    }
}

impl<W: Write> Sink for Archive<W> {
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        // Folders that several layers have are as old as none of them.
        let mut header = self.header(tar::EntryType::Directory, 0o755, 0, self.epoch.unwrap_or(0));
        self.tar.append_data(&mut header, path, io::empty())
    }

    fn file(&mut self, path: &Path, file: File) -> io::Result<()> {
        let about = file.metadata()?;
        let mode = about.mode() & 0o777;
        let mut header = self.header(tar::EntryType::Regular, mode, about.len(), about.mtime());
        self.tar.append_data(&mut header, path, file.take(about.len()))
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let mut header = self.header(tar::EntryType::Symlink, 0o777, 0, self.epoch.unwrap_or(0));
        self.tar.append_link(&mut header, path, target)
    }
}

struct Folder(PathBuf);

impl Folder {
    /// Takes away what is in the way of a file.
    fn clear(&self, path: &Path) -> io::Result<PathBuf> {
        let path = self.0.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(path),
        }
    }
}

impl Sink for Folder {
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let path = self.0.join(path);
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => return Ok(()),
            Ok(_) => fs::remove_file(&path)?,
            Err(_) => {}
        }
        fs::create_dir(&path)
    }

    fn file(&mut self, path: &Path, mut file: File) -> io::Result<()> {
        let path = self.clear(path)?;
        let about = file.metadata()?;
        let mut made = File::create_new(path)?;
        io::copy(&mut file, &mut made)?;
        set_mode_of(&made, about.mode() & 0o777)?;
        made.set_modified(about.modified()?)
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        symlink(target, self.clear(path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_out_as_layers_show_them_and_not_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let (new, old, to) = (dir.path().join("n"), dir.path().join("o"), dir.path().join("t"));
        for path in [new.join("App"), old.join("App/Sub"), to.join("App")] {
            fs::create_dir_all(path).unwrap();
        }
        fs::write(new.join("App/a"), "new").unwrap();
        fs::write(old.join("App/a"), "old").unwrap();
        fs::write(old.join("App/Sub/b"), "b").unwrap();
        symlink("a", new.join("App/l")).unwrap();
        let secret = dir.path().join("secret");
        fs::write(&secret, "mine").unwrap();
        symlink(&secret, to.join("App/a")).unwrap();
        symlink(dir.path(), to.join("App/Sub")).unwrap();
        let view = View::drive(vec![new, old]);
        folder(&view, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("App/a")).unwrap(), "new");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "mine");
        assert!(!dir.path().join("b").exists() && to.join("App/Sub/b").is_file());

        let mut bytes = Vec::new();
        archive(&view, Some(1000), &mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            assert!(entry.header().mtime().unwrap() <= 1000);
            entry.path().unwrap().to_string_lossy().into_owned()
        });
        assert_eq!(entries.collect::<Vec<_>>(), ["App", "App/Sub", "App/Sub/b", "App/a", "App/l"]);
    }
}
