//! The shims that run on this host, found by their sockets.
//!
//! A shim's name is its namespace and its id, as in its socket's file name; of a name too long for
//! a socket only the digest is to be seen.

use std::io;
use std::path::{Path, PathBuf};

use crate::address;

/// A shim that has a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// `NAMESPACE-ID`.
    pub name: String,
    /// Where it listens.
    pub socket: PathBuf,
}

/// No shim, or more than one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// A name that no shim can have.
    #[error("`{0}` is no name of a shim: none has `*`, `?`, `/` or `\\` in it")]
    NoName(String),
    /// None.
    #[error("no shim is named `{0}`")]
    None(String),
    /// Several.
    #[error("`{asked}` is the beginning of {count} names of shims")]
    Several {
        /// What was asked for.
        asked: String,
        /// How many.
        count: usize,
    },
}

/// All of them, by name. A killed shim's socket may be among them.
pub fn shims(state: &Path) -> io::Result<Vec<Found>> {
    let folder = match std::fs::read_dir(state.join("shims")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in folder {
        let socket = entry?.path();
        let name = socket.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(".sock")) {
            found.push(Found { name: name.to_owned(), socket: socket.clone() });
        }
    }
    found.sort();
    Ok(found)
}

impl Found {
    /// What [`Client::connect`](super::Client::connect) takes.
    pub fn address(&self) -> String {
        address::of_socket(&self.socket)
    }

    /// The one that is asked for, by its name or the beginning of it.
    pub fn of(all: &[Self], asked: &str) -> Result<Self, FindError> {
        if asked.is_empty() || asked.contains(['*', '?', '/', '\\']) {
            return Err(FindError::NoName(asked.to_owned()));
        }
        if let Some(exact) = all.iter().find(|found| found.name == asked) {
            return Ok(exact.clone());
        }
        let fit: Vec<_> = all.iter().filter(|found| found.name.starts_with(asked)).collect();
        match fit.as_slice() {
            [] => Err(FindError::None(asked.to_owned())),
            [only] => Ok((*only).clone()),
            several => Err(FindError::Several { asked: asked.to_owned(), count: several.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The discovery convention.
    #[test]
    fn a_shim_is_found_by_its_name_or_a_beginning_that_only_it_has() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(shims(folder.path()).unwrap(), []);
        let sockets = folder.path().join("shims");
        std::fs::create_dir(&sockets).unwrap();
        for name in ["k8s.io-a.sock", "k8s.io-ab.sock", "default-x.sock", "other"] {
            std::fs::write(sockets.join(name), "").unwrap();
        }
        let all = shims(folder.path()).unwrap();
        let find = |asked| Found::of(&all, asked).map(|found| found.name);
        assert_eq!(find("k8s.io-a").unwrap(), "k8s.io-a", "an exact match wins");
        assert_eq!(find("k8s.io-ab").unwrap(), "k8s.io-ab");
        assert_eq!(find("def").unwrap(), "default-x");
        assert!(matches!(find("k8s"), Err(FindError::Several { count: 2, .. })));
        assert!(matches!(find("z"), Err(FindError::None(_))));
        for wrong in ["", "k*", "../x", "a\\b", "a?"] {
            assert!(matches!(find(wrong), Err(FindError::NoName(_))), "{wrong}");
        }
    }
}
