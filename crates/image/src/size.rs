//! How much room a folder takes, whoever made what is in it.
//!
//! Everything is looked at beneath descriptors, and no link is followed: neither a tree that is
//! deeper than a path may be long, nor one that changes meanwhile, keeps anybody from counting.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::os::fd::OwnedFd;
use engine::os::fs::{AtFlags, Dir, FileType, Stat, statat};
use engine::os::io::Errno;

use crate::layer::beneath;

/// What file systems count in.
const BLOCK: u64 = 512;
/// How long a path may get before its folder is held, so that few are. No path may be over 4096.
const FAR: usize = 2048;

/// A folder to look into, from one that is held.
struct Place {
    from: Arc<OwnedFd>,
    path: PathBuf,
}

/// What was counted of a tree.
#[derive(Debug)]
#[must_use]
pub struct TreeSize {
    /// The bytes.
    pub bytes: u64,
    /// Why there may be more: what became of the first folder that could not be read.
    pub failed: Option<io::Error>,
}

/// The bytes of all files below a folder, without their holes. What goes meanwhile, or was never
/// there, has none; links are not followed. Names that are not Unicode cannot be reached from
/// Windows and are passed over.
pub fn tree_size(folder: &Path) -> TreeSize {
    let (mut size, mut places) = (TreeSize { bytes: 0, failed: None }, Vec::new());
    match there(beneath::open_root(folder)) {
        Ok(Some(root)) => places.push(Place { from: Arc::new(root), path: PathBuf::new() }),
        Ok(None) => {}
        Err(error) => size.failed = Some(error),
    }
    while let Some(place) = places.pop() {
        // It keeps nobody from counting the rest.
        if let Err(error) = size.read(place, &mut places) {
            size.failed.get_or_insert(error);
        }
    }
    size
}

impl TreeSize {
    /// All of it, or why it is not known.
    pub fn whole(self) -> io::Result<u64> {
        self.failed.map_or(Ok(self.bytes), Err)
    }

    /// Counts a folder's own files; the folders in it are `places` to look into.
    fn read(&mut self, place: Place, places: &mut Vec<Place>) -> io::Result<()> {
        let Some(dir) = there(place.open())? else { return Ok(()) };
        let far = place.path.as_os_str().len() > FAR;
        let (from, path) = if far {
            (Arc::new(dir.try_clone()?), PathBuf::new())
        } else {
            (place.from, place.path)
        };
        self.files(&dir, |name| {
            places.push(Place { from: Arc::clone(&from), path: path.join(name) });
        })
    }

    fn files(&mut self, dir: &OwnedFd, mut folder: impl FnMut(&str)) -> io::Result<()> {
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") {
                continue;
            }
            let Ok(stat) = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                folder(name);
            } else {
                self.bytes = self.bytes.saturating_add(on_disk(&stat));
            }
        }
        Ok(())
    }
}

impl Place {
    fn open(&self) -> io::Result<OwnedFd> {
        Ok(beneath::open_dir(&*self.from, &self.path)?)
    }
}

/// Of a file with holes any length can be told.
fn on_disk(stat: &Stat) -> u64 {
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    whole(stat.st_size).min(whole(stat.st_blocks).saturating_mul(BLOCK))
}

/// Nothing where there is no folder, or none any more.
fn there(opened: io::Result<OwnedFd>) -> io::Result<Option<OwnedFd>> {
    match opened {
        Ok(dir) => Ok(Some(dir)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_gone(error: &io::Error) -> bool {
    [Errno::NOENT, Errno::NOTDIR, Errno::LOOP]
        .into_iter()
        .any(|gone| error.raw_os_error() == io::Error::from(gone).raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use engine::os::fs::{CWD, OFlags};
    use engine::os::fs::{Mode, mkdirat, openat, renameat};
    use engine::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn holes_take_no_room_and_no_length_is_too_much() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        for name in ["a", "sub/b", "c"] {
            File::create(root.path().join(name)).unwrap().set_len(1 << 42).unwrap();
        }
        fs::write(root.path().join("sub/d"), [1; 10_000]).unwrap();
        let size = tree_size(root.path()).whole().unwrap();
        assert!((10_000..1 << 20).contains(&size), "{size}");
        assert_eq!(tree_size(&root.path().join("none")).whole().unwrap(), 0);
    }

    #[test]
    fn neither_depth_nor_links_keep_a_tree_from_being_counted() {
        let root = tempfile::tempdir().unwrap();
        // Deeper than a path can tell, as a program makes it by moving one tree into another.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut dir = openat(CWD, root.path(), flags, Mode::empty()).unwrap();
        for _ in 0..60 {
            let name = "n".repeat(200);
            mkdirat(&dir, &name, Mode::from_raw_mode(0o755)).unwrap();
            dir = openat(&dir, &name, flags, Mode::empty()).unwrap();
        }
        fs::write(root.path().join("file"), [1; 10_000]).unwrap();
        renameat(CWD, root.path().join("file"), &dir, "file").unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        symlink(root.path(), root.path().join("sub/round")).unwrap();
        let size = tree_size(root.path()).whole().unwrap();
        assert!((10_000..20_000).contains(&size), "{size}");
        assert_eq!(
            tree_size(&root.path().join("sub/round/file")).whole().unwrap(),
            0,
            "a file is no folder"
        );
    }
}
