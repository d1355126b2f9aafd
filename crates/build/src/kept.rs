//! What builds keep beside layers: the caches of `RUN --mount=type=cache`, and downloads.
//!
//! A cache is a folder below `build/mounts`, locked by those who use it (`builder::lend`): it is
//! removed only by who has it alone. Downloads (`fetch::http`) have no locks of their own: they are
//! removed only while no build runs, which `image::Store::alone` tells. Layers are the store's.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use image::{Digest, tree_size};
use serde_json::Value;

const LOCK: &str = "lock";
/// What steps see.
pub(crate) const DATA: &str = "data";
/// What is being made, or taken away.
pub(crate) const FILLING: &str = "filling";
const ABOUT: &str = "about.json";
const USES: &str = "uses";

/// Below the root.
pub(crate) const MOUNTS: &str = "build/mounts";
/// Below the root.
pub(crate) const DOWNLOADS: &str = "build/downloads";

/// One thing that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is called.
    pub id: String,
    /// Of which kind.
    pub kind: KeptKind,
    /// For people.
    pub description: String,
    /// Bytes on the disk.
    pub size: u64,
    /// When it was made.
    pub created: SystemTime,
    /// When it was last wanted.
    pub used: SystemTime,
    /// How often it was wanted.
    pub uses: u64,
    /// Somebody has it now.
    pub in_use: bool,
    folder: PathBuf,
}

/// Of which kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptKind {
    /// A folder of `RUN --mount=type=cache`.
    CacheMount,
    /// What an address led to.
    Download,
}

/// Everything that builds below `root` keep beside layers. `busy` tells that a build may run.
pub fn kept(root: &Path, busy: bool) -> io::Result<Vec<Kept>> {
    let mut all = Vec::new();
    for folder in folders(&root.join(MOUNTS))? {
        let in_use = is_locked(&folder)?;
        all.extend(look(folder, KeptKind::CacheMount, in_use)?);
    }
    for folder in folders(&root.join(DOWNLOADS))? {
        all.extend(look(folder, KeptKind::Download, busy)?);
    }
    Ok(all)
}

impl Kept {
    /// Removes it; false when somebody uses it. A download may be removed only while no build runs.
    pub fn remove(&self) -> io::Result<bool> {
        let Some(lock) = try_lock(&self.folder, true)? else { return Ok(false) };
        // What is half gone must not be taken for a whole cache: `fill` clears this name away.
        let filling = self.folder.join(FILLING);
        gone(fs::remove_dir_all(&filling))?;
        gone(fs::rename(self.folder.join(DATA), &filling))?;
        gone(fs::remove_dir_all(&filling))?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else if entry.file_name() != LOCK {
                fs::remove_file(entry.path())?;
            }
        }
        // Whoever waits for the lock sees that it is no more, and makes the folder anew.
        fs::remove_file(self.folder.join(LOCK))?;
        drop(lock);
        match fs::remove_dir(&self.folder) {
            Err(e)
                if e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::DirectoryNotEmpty =>
            {
                Err(e)
            }
            _ => Ok(true),
        }
    }
}

/// Whatever was to go may have gone.
fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Locks a folder, which is made if it is not there; none when somebody else has it.
pub(crate) fn try_lock(folder: &Path, alone: bool) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    loop {
        fs::create_dir_all(folder)?;
        let lock = match File::options().create(true).truncate(false).write(true).open(&path) {
            // It was removed between the two.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other?,
        };
        let tried = if alone { lock.try_lock() } else { lock.try_lock_shared() };
        match tried {
            Ok(()) if engine::os::fs::is_linked(&lock)? => return Ok(Some(lock)),
            // It was removed before it was had.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Notes that a folder was wanted. Of two who do it at once one may not be counted.
pub(crate) fn note_use(folder: &Path) -> io::Result<()> {
    let draft = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(draft.path(), (uses(folder) + 1).to_string())?;
    draft.persist(folder.join(USES)).map_err(|error| error.error)?;
    Ok(())
}

/// Tells what a folder is, once: how old that is counts from there.
pub(crate) fn describe(folder: &Path, about: &Value) -> io::Result<()> {
    fs::write(folder.join(ABOUT), about.to_string())
}

fn uses(folder: &Path) -> u64 {
    let text = fs::read_to_string(folder.join(USES)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn folders(all: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(all) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_locked(folder: &Path) -> io::Result<bool> {
    match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(lock) => match lock.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

/// What is in a folder; none when it went meanwhile, or was never filled.
fn look(folder: PathBuf, kind: KeptKind, in_use: bool) -> io::Result<Option<Kept>> {
    let text = match fs::read_to_string(folder.join(ABOUT)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let about: Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |field: &str| about[field].as_str().unwrap_or("unknown").to_owned();
    let description = match kind {
        KeptKind::CacheMount => format!("cached mount {}", word("id")),
        KeptKind::Download => format!("http url {}", word("url")),
    };
    let created = fs::metadata(folder.join(ABOUT))?.modified()?;
    let wanted = fs::metadata(folder.join(USES)).and_then(|about| about.modified());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(Kept {
        id: Digest::of(format!("{kind:?} {name}").as_bytes()).hex()[..25].to_owned(),
        kind,
        description,
        size: tree_size(&folder).whole()?,
        created,
        used: wanted.unwrap_or(created),
        uses: uses(&folder),
        in_use,
        folder,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_somebody_uses_stays_and_who_waited_makes_it_anew() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(MOUNTS).join("abc");
        let user = try_lock(&folder, false).unwrap().unwrap();
        assert!(kept(root.path(), false).unwrap().is_empty(), "it was never filled");
        describe(&folder, &json!({ "id": "/c" })).unwrap();
        fs::create_dir(folder.join("data")).unwrap();
        fs::write(folder.join("data/x"), "12345").unwrap();
        note_use(&folder).unwrap();
        let one = kept(root.path(), false).unwrap().remove(0);
        assert!(one.in_use && one.size >= 5 && one.uses == 1, "{one:?}");
        assert_eq!(one.description, "cached mount /c");
        assert!(!one.remove().unwrap() && folder.join("data/x").exists());
        let waiting = File::open(folder.join(LOCK)).unwrap();
        drop(user);
        assert!(one.remove().unwrap() && !folder.exists());
        assert!(waiting.try_lock().is_ok(), "a lock that nobody finds any more");
        assert!(try_lock(&folder, true).unwrap().is_some() && folder.join(LOCK).exists());
    }
}
