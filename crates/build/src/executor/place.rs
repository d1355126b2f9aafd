//! Folders that builds work in, and telling those of the living from those of the dead.
//!
//! Whoever works in one holds the lock of the file in it. A folder gets its lock while the lock of
//! all is shared, and gives it up in the same way, and the dead are looked for while it is held alone:
//! one that is just being made, or removed, is never taken for one that was left.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of all folders.
const ALL: &str = ".lock";
const OWN: &str = "lock";

/// A folder of a living build.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Place {
    /// Makes a folder of this name.
    pub(crate) fn make(all: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(all)?;
        let living = File::create(all.join(ALL))?;
        living.lock_shared()?;
        let path = all.join(name);
        fs::create_dir(&path)?;
        let lock = File::create(path.join(OWN))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// Removes it with all that is in it; its lock last.
    pub(crate) fn remove(self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else if entry.file_name() != OWN {
                fs::remove_file(entry.path())?;
            }
        }
        // Nobody looks for the dead while a lock goes that he might just have opened.
        let living = File::create(self.path.with_file_name(ALL))?;
        living.lock_shared()?;
        fs::remove_file(self.path.join(OWN))?;
        fs::remove_dir(&self.path)
    }

    /// The folders whose builds are gone.
    pub(crate) fn dead(all: &Path) -> io::Result<Vec<Self>> {
        let living = match File::create(all.join(ALL)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        living.lock()?;
        let mut dead = Vec::new();
        for entry in fs::read_dir(all)? {
            let entry = entry?;
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            match File::open(path.join(OWN)) {
                Ok(lock) if lock.try_lock().is_ok() => dead.push(Self { path, _lock: lock }),
                Ok(_) => {}
                // Killed before it had one, or when it had just given it up: it is empty.
                Err(_) => drop(fs::remove_dir(&path)),
            }
        }
        Ok(dead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_works_in_is_dead() {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().join("run");
        assert!(Place::dead(&folder).unwrap().is_empty());
        let living = Place::make(&folder, "build-1").unwrap();
        let dead = Place::make(&folder, "build-2").unwrap();
        fs::create_dir_all(dead.path.join("scratch/upper")).unwrap();
        fs::create_dir(folder.join("unborn")).unwrap();
        let gone = dead.path.clone();
        drop(dead);
        let found = Place::dead(&folder).unwrap();
        assert_eq!(found.iter().map(|place| &place.path).collect::<Vec<_>>(), [&gone]);
        assert!(Place::dead(&folder).unwrap().is_empty(), "somebody buries it already");
        for place in found {
            place.remove().unwrap();
        }
        assert!(!gone.exists() && !folder.join("unborn").exists());
        living.remove().unwrap();
    }

    #[test]
    fn one_that_is_being_removed_is_never_found_dead() {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().join("run");
        drop(Place::make(&folder, "first").unwrap());
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| {
                for _ in 0..300 {
                    Place::make(&folder, "again").unwrap().remove().unwrap();
                }
            });
            while !busy.is_finished() {
                for dead in Place::dead(&folder).unwrap() {
                    assert!(dead.path.ends_with("first"), "{}", dead.path.display());
                }
            }
        });
    }
}
