//! Locks between processes: `flock` on files below `locks/`.
//!
//! A lock ends with its process, so nothing is ever left locked. Where the file stands for one blob
//! or layer it is removed by whoever held it; a waiter that then holds a removed file tries again.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::os::fs::{FlockOperation, flock, is_linked};
use engine::os::io::Errno;

use super::Store;
use crate::error::{IoContext, Result};

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Closing it gives the lock back.
    file: File,
    remove: Option<PathBuf>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.remove {
            // A file that stays behind is only untidy.
            let _ = fs::remove_file(path);
        }
    }
}

/// How often an async waiter looks again: a blocked thread could not be given up.
const POLL: Duration = Duration::from_millis(20);

impl Store {
    /// The lock over `images.json` and the leases, for the moment of a change.
    pub(crate) fn lock_index(&self) -> Result<Lock> {
        wait(&self.path("locks/index"), FlockOperation::LockExclusive)
    }

    /// Held by everything that adds content until a name or a lease protects it.
    pub(crate) fn lock_adding(&self) -> Result<Lock> {
        // What killed ones began comes back before the disk is full of it.
        if let Some(_alone) = self.try_lock_removing()? {
            self.sweep_ingest().warn();
            self.sweep_layers().warn();
        }
        wait(&self.path("locks/content"), FlockOperation::LockShared)
    }

    /// Held while content is removed; `None` when something is being added.
    pub(crate) fn try_lock_removing(&self) -> Result<Option<Lock>> {
        attempt(&self.path("locks/content"), FlockOperation::NonBlockingLockExclusive)
    }

    /// The lock of whoever makes one blob or layer.
    pub(crate) fn lock_making(&self, what: &str) -> Result<Lock> {
        let path = self.path("locks").join(what);
        loop {
            let lock = wait(&path, FlockOperation::LockExclusive)?;
            if let Some(lock) = still_there(lock, &path) {
                return Ok(lock);
            }
        }
    }

    /// The same unless somebody makes it.
    pub(crate) fn try_lock_making(&self, what: &str) -> Result<Option<Lock>> {
        let path = self.path("locks").join(what);
        let lock = attempt(&path, FlockOperation::NonBlockingLockExclusive)?;
        Ok(lock.and_then(|lock| still_there(lock, &path)))
    }

    /// The same for async code.
    pub(crate) async fn lock_making_async(&self, what: &str) -> Result<Lock> {
        let path = self.path("locks").join(what);
        loop {
            if let Some(lock) = attempt(&path, FlockOperation::NonBlockingLockExclusive)?
                && let Some(lock) = still_there(lock, &path)
            {
                return Ok(lock);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Takes the lock of a file or folder that is in the making; `None` when its maker is alive.
pub(crate) fn try_own(path: &Path) -> Result<Option<File>> {
    engine::os::fs::own(path).at("lock", path)
}

fn still_there(mut lock: Lock, path: &Path) -> Option<Lock> {
    let there = is_linked(&lock.file).unwrap_or(false);
    if there {
        lock.remove = Some(path.to_owned());
    }
    there.then_some(lock)
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .at("open", path)
}

fn wait(path: &Path, how: FlockOperation) -> Result<Lock> {
    let file = open(path)?;
    loop {
        match flock(&file, how) {
            Ok(()) => return Ok(Lock { file, remove: None }),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e).at("lock", path),
        }
    }
}

fn attempt(path: &Path, how: FlockOperation) -> Result<Option<Lock>> {
    let file = open(path)?;
    match flock(&file, how) {
        Ok(()) => Ok(Some(Lock { file, remove: None })),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
        Err(e) => Err(e).at("lock", path),
    }
}
