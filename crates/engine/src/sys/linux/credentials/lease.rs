//! A system's lease, written down below the state directory, so that whoever comes later can give
//! it back.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use schema::SystemId;
use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// The daemon that gave it: the administrator may have named another since.
    pub(super) socket: PathBuf,
    pub(super) id: String,
    /// Nobody uses it: it is there because it could not be given back at once.
    #[serde(default)]
    pub(super) surplus: bool,
}

/// Where a system's lease is written down.
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn of(state: &Path, system: &SystemId) -> Self {
        Self(state.join("credentials").join(format!("{system}.json")))
    }

    /// Writes it down; one that is there already is somebody's, and stays.
    pub(super) fn write(&self, socket: &Path, lease: &str) -> Result<(), ErrorKind> {
        let lease = Written { socket: socket.into(), id: lease.into(), surplus: false };
        let text = serde_json::to_vec(&lease).expect("a lease is plain data");
        let written = (|| {
            fs::create_dir_all(self.0.parent().expect("the file is in a directory"))?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            // Half of it is as good as none.
            let mut file = options.open(&self.0)?;
            file.write_all(&text).inspect_err(|_| drop(fs::remove_file(&self.0)))
        })();
        written.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            _ => self.failed("write", e),
        })
    }

    pub(super) fn read(&self) -> Result<Option<Written>, ErrorKind> {
        let text = match fs::read(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| self.failed("read", e))?,
        };
        serde_json::from_slice(&text).map(Some).map_err(|e| self.failed("understand", e.into()))
    }

    /// Notes that nobody uses it, and that it is to be given back some other time.
    pub(super) fn mark_surplus(&self, lease: Written) -> Result<(), ErrorKind> {
        let lease = Written { surplus: true, ..lease };
        let text = serde_json::to_vec(&lease).expect("a lease is plain data");
        fs::write(&self.0, text).map_err(|e| self.failed("write", e))
    }

    /// What is not written down is forgotten already.
    pub(super) fn forget(&self) -> Result<(), ErrorKind> {
        match fs::remove_file(&self.0) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", e)),
            _ => Ok(()),
        }
    }

    fn failed(&self, what: &str, error: io::Error) -> ErrorKind {
        ErrorKind::io(format!("{what} {}", self.0.display()), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_found_again_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let kept = Kept::of(state.path(), &SystemId::new("web").unwrap());
        assert_eq!(kept.read().unwrap(), None);
        kept.forget().unwrap();
        kept.write(Path::new("/s"), "lease-1").unwrap();
        let second = kept.write(Path::new("/s"), "lease-2").unwrap_err();
        assert!(matches!(second, ErrorKind::AlreadyExists), "{second}");
        let written = kept.read().unwrap().unwrap();
        assert_eq!((written.socket.as_path(), written.id.as_str()), (Path::new("/s"), "lease-1"));
        kept.forget().unwrap();
        assert_eq!(kept.read().unwrap(), None);
    }
}
