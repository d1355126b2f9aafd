//! Where layers are kept: one builder at a time, nothing half-built ever seen, nothing removed
//! that is in use.
//!
//! Two kinds of lock, both gone with their process: `lock` for whoever builds, and each layer's
//! own `in-use`, shared by its users.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{Inputs, Record};
use super::{Platform, Step, doing};

const MAKING: &str = ".making-";
const REMOVING: &str = ".removing-";

/// `$ROOT/platform`.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let path = root.join("platform");
        std::fs::create_dir_all(&path).map_err(|error| doing("making", &path, &error))?;
        Ok(Self(path))
    }

    /// A finished layer made from `inputs`, held for the caller.
    pub(super) fn find(&self, inputs: &Inputs) -> io::Result<Option<Platform>> {
        for directory in self.layers()? {
            if read_record(&directory).is_some_and(|record| record.is_of(inputs))
                && let Some(platform) = hold(&directory)?
            {
                return Ok(Some(platform));
            }
        }
        Ok(None)
    }

    /// The right to build, held until the file is closed.
    pub(super) fn lock(&self, tell: &mut impl FnMut(Step)) -> io::Result<File> {
        let file = File::create(self.0.join("lock"))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tell(Step::Waiting),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.lock()?;
        Ok(file)
    }

    /// A directory to build in; removed unless it is finished. Only under the lock.
    pub(super) fn make(&self) -> io::Result<Making> {
        let path = self.0.join(format!("{MAKING}{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| doing("making", &path, &error))?;
        Ok(Making { path, store: self.0.clone(), finished: false })
    }

    /// Removes what builders and removers that were killed left behind. Only under the lock.
    pub(super) fn sweep(&self) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let left = name.starts_with(MAKING) || name.starts_with(REMOVING);
            if left && !is_used(&entry.path()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Removes layers that nothing can use any more and nobody uses now. Only under the lock.
    pub(super) fn remove_stale(&self, key: &str) {
        for directory in self.layers().unwrap_or_default() {
            let stale = !read_record(&directory).is_some_and(|record| record.is_current());
            if stale && !directory.ends_with(key) {
                // One that cannot be removed now is tried again after the next build.
                let _ = self.remove(&directory);
            }
        }
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        let in_use = File::create(directory.join("in-use"))?;
        if in_use.try_lock().is_err() {
            return Ok(());
        }
        // Whoever finds it from now on cannot lock it, and builds another one.
        let name = directory.file_name().expect("a layer has a name").to_string_lossy();
        let aside = self.0.join(format!("{REMOVING}{name}"));
        std::fs::rename(directory, &aside)?;
        std::fs::remove_dir_all(&aside)
    }

    fn layers(&self) -> io::Result<Vec<PathBuf>> {
        let mut layers = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && !entry.file_name().to_string_lossy().starts_with('.')
            {
                layers.push(entry.path());
            }
        }
        Ok(layers)
    }
}

/// A layer being built.
#[derive(Debug)]
pub(super) struct Making {
    path: PathBuf,
    store: PathBuf,
    finished: bool,
}

impl Making {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name; from now on others see it, whole.
    pub(super) fn finish(mut self, record: &Record) -> io::Result<Platform> {
        File::create(self.path.join("in-use"))?;
        let json = serde_json::to_vec_pretty(record)?;
        std::fs::write(self.path.join("platform.json"), json)?;
        rustix::fs::syncfs(File::open(&self.path)?)?;
        let directory = self.store.join(&record.key);
        if directory.exists() {
            // Its record was found not to hold; somebody may still use it.
            std::fs::rename(&directory, self.store.join(format!("{REMOVING}{}", record.key)))?;
        }
        std::fs::rename(&self.path, &directory)
            .map_err(|error| doing("finishing", &directory, &error))?;
        self.finished = true;
        hold(&directory)?.ok_or_else(|| io::Error::other("the layer just built was removed"))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Whether somebody holds a layer that was moved aside.
fn is_used(directory: &Path) -> bool {
    File::open(directory.join("in-use")).is_ok_and(|file| file.try_lock().is_err())
}

fn read_record(directory: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(directory.join("platform.json")).ok()?).ok()
}

/// Keeps a layer from being removed; `None` when somebody is removing it.
fn hold(directory: &Path) -> io::Result<Option<Platform>> {
    let file = match File::open(directory.join("in-use")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // It may have been moved aside between finding and locking it.
    let Some(record) = read_record(directory) else { return Ok(None) };
    Ok(Some(Platform {
        drive_c: directory.join("drive_c"),
        registry: directory.join("registry"),
        runtime: directory.join("runtime"),
        key: record.key,
        os_version: record.os_version,
        edition: record.wine_version,
        loader: record.loader,
        server: record.server,
        _hold: Arc::new(file),
    }))
}
