//! The files of one container.

use engine::os::unix::fs::OpenOptionsExt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Record, State, files};

/// Where a container's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    id: String,
}

/// The right to run a container, or to remove it; given back when dropped, or when the process
/// ends in whichever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Folder {
    pub(super) fn new(path: PathBuf, id: &str) -> Self {
        Self { path, id: id.to_owned() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// It is there.
    pub fn exists(&self) -> bool {
        self.config().exists()
    }

    /// The engine's scratch.
    pub fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// Docker's name for a container's log.
    pub fn log(&self) -> PathBuf {
        self.path.join(format!("{}-json.log", self.id))
    }

    /// What the monitor has to say that nobody listens to.
    pub fn monitor_log(&self) -> PathBuf {
        self.path.join("monitor.log")
    }

    /// What was asked for.
    pub fn read_record(&self) -> Result<Record> {
        files::read_json(&self.config())
    }

    /// Replaces what was asked for.
    pub fn write_record(&self, record: &Record) -> Result<()> {
        files::write_json(&self.config(), record)
    }

    /// What became of it.
    pub fn read_state(&self) -> Result<State> {
        files::read_json(&self.state())
    }

    /// Replaces what became of it.
    pub fn write_state(&self, state: &State) -> Result<()> {
        files::write_json(&self.state(), state)
    }

    /// Something has been acquired that must be given back.
    pub fn is_live(&self) -> bool {
        self.live().exists()
    }

    /// Says that something will be acquired.
    pub fn set_live(&self) -> Result<()> {
        files::replace(&self.live(), &[])
    }

    /// Says that everything has been given back.
    pub fn clear_live(&self) -> Result<()> {
        files::remove_file(&self.live())
    }

    /// Somebody runs or removes it right now.
    pub fn is_held(&self) -> bool {
        let Ok(file) = File::open(self.lock_file()) else { return false };
        // Shared, so that two who only look never see each other.
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Nobody is at it, and it is not so new that somebody is only about to be.
    pub(super) fn is_abandoned(&self) -> bool {
        let age = || self.path.metadata().ok()?.modified().ok()?.elapsed().ok();
        let old = age().is_some_and(|age| age > std::time::Duration::from_mins(1));
        !self.is_held() && (old || self.lock_file().exists())
    }

    /// Takes the right to run or remove it; `None` when somebody else has it.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        let file = self.open_lock()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("locking the container"),
        }
    }

    /// Waits for it. Blocks the thread.
    pub fn lock(&self) -> Result<Lock> {
        let file = self.open_lock()?;
        file.lock().context("locking the container")?;
        Ok(Lock { _file: file })
    }

    /// Moves the lock out of the folder, which is then empty once all else is removed: not every
    /// system takes the name of an open file away at once.
    pub(super) fn set_lock_aside(&self) -> Result<PathBuf> {
        let aside = self.path.with_extension("lock");
        match std::fs::rename(self.lock_file(), &aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("moving {}", self.lock_file().display()))
            }
            _ => Ok(aside),
        }
    }

    fn open_lock(&self) -> Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        file.open(self.lock_file())
            .with_context(|| format!("opening {}", self.lock_file().display()))
    }

    fn config(&self) -> PathBuf {
        self.path.join("config.json")
    }

    fn state(&self) -> PathBuf {
        self.path.join("state.json")
    }

    fn live(&self) -> PathBuf {
        self.path.join("live")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }
}
