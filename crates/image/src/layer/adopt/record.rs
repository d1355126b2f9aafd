//! `adopted.json`: where an adopted layer came from. It is written last: what has it is whole.

use engine::os::fs::identity_of;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, IoContext, Result};

const FILE: &str = "adopted.json";

/// A folder that cannot be mistaken for another one that is at its path later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Nanoseconds; 0 where the file system does not know.
    born: u64,
}

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) origin: Origin,
}

impl Origin {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let about = fs::symlink_metadata(path).at("look at", path)?;
        if !about.is_dir() {
            let rule = "it is no folder".to_owned();
            return Err(Error::Layer { layer: path.display().to_string(), rule });
        }
        let born = about.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        let (device, inode) = identity_of(path).at("look at", path)?;
        Ok(Self { path: path.to_owned(), device, inode, born })
    }

    /// It is still where it was.
    pub(super) fn is_there(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }

    /// Names it upon what is below.
    pub(super) fn key(&self, below: Option<&str>) -> String {
        let mut hash = Sha256::new();
        hash.update(below.unwrap_or_default());
        hash.update(serde_json::to_vec(self).expect("an origin is plain data"));
        let mut key = String::with_capacity(32);
        for byte in &hash.finalize()[..16] {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }
}

impl Record {
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let bytes = serde_json::to_vec(self).map_err(Error::json("record of an adopted layer"))?;
        fs::write(&path, bytes).at("write", &path)
    }
}
