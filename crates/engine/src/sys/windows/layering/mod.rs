//! Image layers, set up by the Host Compute Service: see [`crate::layering`].
//!
//! `computestorage.dll` imports and removes, `vmcompute.dll` processes a base layer: it makes the
//! empty disks that every scratch over it begins as. All of it needs the right to back up and to
//! restore files, which an administrator has and must switch on: for the thread that works alone.

mod privileges;
mod storage;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::access::Access;
use super::layers;
use super::operation::Failed;
use super::os::fs::{descriptor, restore};
use super::storage::{NOT_YET_OR_LOOKED_AT as PASSING, patiently};
use crate::error::ErrorKind;
use crate::layering::Restored;
use crate::os::fd::AsFd;

pub use privileges::Rights;

pub(super) use privileges::take as take_rights;

/// How long somebody may look at files that were just written.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_millis(100);
/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`: somebody has something open in the folder.
const HELD: [i32; 2] = [5, 32];

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Service(());

/// It is part of Windows; a call tells when its feature is not installed.
pub fn service() -> Option<Service> {
    Some(Service(()))
}

impl Service {
    /// The rights that the others need and take for themselves: whoever has much to do on one thread
    /// takes them once.
    pub fn rights(&self) -> io::Result<Rights> {
        privileges::take()
    }

    /// Makes a layer over `parents`, the nearest first, of an import folder. Half of one that is
    /// there goes first.
    pub fn import(&self, layer: &Path, source: &Path, parents: &[PathBuf]) -> io::Result<()> {
        let _rights = privileges::take()?;
        let data = storage::data(parents).map_err(told)?;
        let import = || {
            if layer.exists() {
                storage::destroy(layer)?;
            }
            storage::import(layer, source, &data)
        };
        patiently(&PASSING, import).map_err(told)
    }

    /// Makes a base layer of restored files one that scratches and layers can stand on.
    pub fn set_up_base(&self, layer: &Path) -> io::Result<()> {
        let _rights = privileges::take()?;
        let given = contents(layer)?;
        let process = || {
            let begun = contents(layer).and_then(|now| take_away(now.difference(&given)));
            begun.map_err(|error| ErrorKind::io("take away what was begun", error))?;
            layers::process_base(layer)
        };
        patiently(&PASSING, process).map_err(told)
    }

    /// Gives a folder another name, when nobody has anything open beneath it any more: Windows moves
    /// none before, and scanners look at new files.
    pub fn put_in_place(&self, from: &Path, to: &Path) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            match std::fs::rename(from, to) {
                Err(error) if is_held(&error) && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(BETWEEN);
                }
                done => return done,
            }
        }
    }

    /// Removes a layer, or what there is of one. One that is gone is a success.
    pub fn destroy(&self, layer: &Path) -> io::Result<()> {
        if !layer.exists() {
            return Ok(());
        }
        let _rights = privileges::take()?;
        patiently(&PASSING, || storage::destroy(layer)).map_err(told)
    }

    /// Gives what is at `path` beneath `root` all of this; no link is followed.
    pub fn restore(&self, root: &impl AsFd, path: &str, to: &Restored<'_>) -> io::Result<()> {
        let _rights = privileges::take()?;
        restore::restore(root.as_fd(), path, to)
    }

    /// Takes a file, link or empty folder beneath `root` away; one that is not there is a success.
    pub fn remove(&self, root: &impl AsFd, path: &str) -> io::Result<()> {
        let _rights = privileges::take()?;
        restore::remove(root.as_fd(), path)
    }

    /// The binary form of a security descriptor in Windows' text form.
    pub fn descriptor(&self, sddl: &str) -> io::Result<Vec<u8>> {
        Ok(Access::of(sddl)?.bytes())
    }

    /// Refuses a security descriptor whose parts are not within it.
    pub fn check_descriptor(&self, bytes: &[u8]) -> io::Result<()> {
        descriptor::check(bytes)
    }
}

fn is_held(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| HELD.contains(&code))
}

/// What is in a layer's folder, and in that of its hives.
fn contents(layer: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for folder in [layer.to_owned(), layer.join("Hives")] {
        for entry in std::fs::read_dir(folder)? {
            found.insert(entry?.path());
        }
    }
    Ok(found)
}

fn take_away<'a>(mut paths: impl Iterator<Item = &'a PathBuf>) -> io::Result<()> {
    paths.try_for_each(|path| {
        let is_folder = std::fs::symlink_metadata(path)?.is_dir();
        if is_folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
    })
}

fn told(failed: Failed) -> io::Error {
    io::Error::other(ErrorKind::from(failed))
}

#[cfg(test)]
mod tests {
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// `FILE_FLAG_BACKUP_SEMANTICS`: folders are opened too.
    const FOLDERS_TOO: u32 = 0x0200_0000;

    #[test]
    fn a_folder_that_somebody_looks_at_is_moved_when_he_is_done() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        let looking = std::fs::OpenOptions::new()
            .read(true)
            .share_mode(0)
            .custom_flags(FOLDERS_TOO)
            .open(&from)
            .unwrap();
        assert!(is_held(&std::fs::rename(&from, &to).unwrap_err()));
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(2 * BETWEEN);
                is_done.store(true, Ordering::SeqCst);
                drop(looking);
            });
            service().unwrap().put_in_place(&from, &to).unwrap();
            assert!(is_done.load(Ordering::SeqCst) && to.is_dir());
        });
        let missing = service().unwrap().put_in_place(&from, &to).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound, "at once");
    }
}
