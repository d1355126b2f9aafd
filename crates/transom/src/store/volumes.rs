//! Volumes: folders that outlive containers.
//!
//! ```text
//! $ROOT/volumes/<name>/_data       what is mounted
//!                      meta.json   labels, and whether anybody named it
//!               .lock              shared by those who make containers, alone for who removes volumes
//!               .<name>.<mark>.gone  out of sight, to be deleted
//!               .deleting          shared by those who delete, alone for who sweeps up after them
//! ```
//!
//! A container that is being made is in no list yet, so who removes volumes waits until none is:
//! [`host::volumes`](crate::host::volumes). Removing is one `rename`; what is in a volume is deleted
//! when nobody waits any more.

use engine::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files;

/// The volumes of this host.
#[derive(Debug, Clone)]
pub struct Volumes {
    path: PathBuf,
}

/// While it is held, volumes are not removed, or nobody begins to use one.
#[derive(Debug)]
pub struct Hold {
    _file: File,
}

/// How the folder of a volume ends that nobody sees any more.
const GONE: &str = ".gone";
/// What tells those of one name apart; short, since a name may be long and a file's has an end.
const MARK: usize = 12;

/// Nobody made it.
#[derive(Debug, thiserror::Error)]
#[error("no such volume: {0}")]
pub struct NoSuchVolume(String);

/// A volume that nobody sees any more, and its files.
#[derive(Debug)]
pub struct Gone(PathBuf);

impl Gone {
    /// Deletes the files, and tells how many bytes the volume had. Blocks the thread.
    pub fn delete(self) -> Result<u64> {
        let bytes = files::tree_size(&self.0.join("_data"));
        files::remove_all(&self.0)?;
        Ok(bytes)
    }
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Lower-case, as Windows' volume driver keeps names.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Nobody named it.
    #[serde(default)]
    pub anonymous: bool,
    /// Anything.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl Volumes {
    /// Those in `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Keeps volumes from being removed. Blocks the thread.
    pub fn keep(&self) -> Result<Hold> {
        self.shared(".lock")
    }

    /// Keeps what is being deleted from who sweeps. Blocks the thread.
    pub fn deleting(&self) -> Result<Hold> {
        self.shared(".deleting")
    }

    /// Waits until nobody is about to use a volume, and keeps it so. Blocks the thread.
    pub fn still(&self) -> Result<Hold> {
        let file = self.open_lock(".lock")?;
        file.lock().context("locking the volumes")?;
        Ok(Hold { _file: file })
    }

    /// Makes a volume that nobody named.
    pub fn create_anonymous(&self) -> Result<Volume> {
        self.create(&super::record::new_id(), true, BTreeMap::new()).map(|(volume, _)| volume)
    }

    /// Makes a volume, or finds the one that is there; tells whether it was made. One that has
    /// lost what was written about it is not made: its data is somebody's.
    pub fn ensure(&self, name: &str, labels: BTreeMap<String, String>) -> Result<(Volume, bool)> {
        let name = name.to_lowercase();
        check_name(&name)?;
        match self.get(&name) {
            Ok(found) if self.data(&name).is_dir() => Ok((found, false)),
            Ok(found) => {
                // A removal of an empty one was cut short. What is written about it comes last.
                files::remove_file(&self.meta(&name))?;
                self.place(&found).with_context(|| format!("creating volume {name}"))?;
                Ok((found, false))
            }
            Err(_) => self.create(&name, false, labels),
        }
    }

    /// All, ordered by name.
    pub fn list(&self) -> Result<Vec<Volume>> {
        let names = files::entries(&self.path)?;
        Ok(names.iter().filter_map(|name| self.get(name).ok()).collect())
    }

    /// One by name.
    pub fn get(&self, name: &str) -> Result<Volume> {
        let name = name.to_lowercase();
        check_name(&name)?;
        let meta = self.meta(&name);
        if !meta.exists() {
            return Err(NoSuchVolume(name).into());
        }
        files::read_json(&meta)
    }

    /// What of it is mounted.
    pub fn data(&self, name: &str) -> PathBuf {
        self.path.join(name).join("_data")
    }

    fn meta(&self, name: &str) -> PathBuf {
        self.path.join(name).join("meta.json")
    }

    /// Takes one out of sight, all at once. The caller has looked whether a container uses it, and
    /// holds [`deleting`](Self::deleting).
    pub fn hide(&self, name: &str) -> Result<Gone> {
        check_name(name)?;
        let mark = &super::record::new_id()[..MARK];
        let gone = self.path.join(format!(".{name}.{mark}{GONE}"));
        match std::fs::rename(self.path.join(name), &gone) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(NoSuchVolume(name.to_owned()).into())
            }
            other => other.map(|()| Gone(gone)).with_context(|| format!("removing volume {name}")),
        }
    }

    /// The same if nothing is in it.
    pub fn hide_empty(&self, name: &str) -> Result<Option<Gone>> {
        check_name(name)?;
        let data = self.data(name);
        match std::fs::remove_dir(&data) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => return Ok(None),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", data.display()));
            }
            _ => {}
        }
        self.hide(name).map(Some)
    }

    /// Deletes what a removal that was killed has left. Cheap when there is nothing.
    pub fn sweep(&self) -> Result<()> {
        if self.gone()?.is_empty() {
            return Ok(());
        }
        let alone = self.open_lock(".deleting")?;
        match alone.try_lock() {
            // Somebody may be at it.
            Err(TryLockError::WouldBlock) => return Ok(()),
            other => other.context("locking the volumes")?,
        }
        let left = self.gone()?;
        // Nobody is at these, and whoever removes another volume need not wait for them.
        drop(alone);
        let _deleting = self.deleting()?;
        files::remove_each(left.iter().map(|name| self.path.join(name)))
    }

    fn gone(&self) -> Result<Vec<String>> {
        let mut names = files::entries(&self.path)?;
        names.retain(|name| name.starts_with('.') && name.ends_with(GONE));
        Ok(names)
    }

    fn create(
        &self,
        name: &str,
        anonymous: bool,
        labels: BTreeMap<String, String>,
    ) -> Result<(Volume, bool)> {
        let labels = if anonymous {
            BTreeMap::from([("com.docker.volume.anonymous".to_owned(), String::new())])
        } else {
            labels
        };
        let volume = Volume { name: name.to_owned(), created: Timestamp::now(), anonymous, labels };
        let made = self.place(&volume).with_context(|| format!("creating volume {name}"))?;
        Ok((volume, made))
    }

    /// Of several who make the same one at once, one has made it.
    fn place(&self, volume: &Volume) -> Result<bool> {
        files::private_dir(&self.path)?;
        let folder = self.path.join(&volume.name);
        let made = match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error.into()),
        };
        make_data(&self.data(&volume.name))?;
        files::write_json(&self.meta(&volume.name), volume)?;
        Ok(made)
    }

    fn shared(&self, lock: &str) -> Result<Hold> {
        let file = self.open_lock(lock)?;
        file.lock_shared().context("locking the volumes")?;
        Ok(Hold { _file: file })
    }

    fn open_lock(&self, name: &str) -> Result<File> {
        files::private_dir(&self.path)?;
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.open(&path).with_context(|| format!("opening {}", path.display()))
    }
}

/// Makes what is mounted, or ends what somebody began who was killed. The container's accounts are not
/// the host's root, and all of them may use a volume. What somebody makes of one about which something
/// is written is theirs, and never comes here.
fn make_data(path: &Path) -> Result<()> {
    let made = match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => engine::os::unix::fs::set_mode(path, 0o777),
    };
    made.with_context(|| format!("creating {}", path.display()))
}

/// Docker's rule for the `local` driver, which is also safe as a file name.
pub fn check_name(name: &str) -> Result<()> {
    const RESERVED: &[&str] = &["con", "prn", "nul", "aux"];
    let device = |name: &str| {
        let number = name.strip_prefix("com").or_else(|| name.strip_prefix("lpt"));
        RESERVED.contains(&name) || number.is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']))
    };
    let good = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && (2..=200).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !good || device(name) {
        bail!(
            "\"{name}\" is not a volume name: only [a-zA-Z0-9][a-zA-Z0-9_.-] is allowed, at \
             least two characters, and no device name of Windows; a host directory must be \
             given as an absolute path"
        );
    }
    Ok(())
}
