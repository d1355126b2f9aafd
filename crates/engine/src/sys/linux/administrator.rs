//! What the administrator of this host has decided: `/etc/transom/config.json` and, over it,
//! `$TRANSOM_ROOT/config.json`.
//!
//! ```json
//! {
//!     "pipes": { "\\\\.\\pipe\\docker_engine": "/run/docker.sock" },
//!     "credentials_fetcher": "/var/credentials-fetcher/socket/credentials_fetcher.sock"
//! }
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::ErrorKind;

/// The decisions that concern the engine. Members that are for others are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Decisions {
    /// The sockets that stand for Windows pipes of this host, by the pipes' names.
    pub(super) pipes: BTreeMap<String, PathBuf>,
    /// The socket of a credentials-fetcher daemon.
    pub(super) credentials_fetcher: Option<PathBuf>,
}

impl Decisions {
    /// Reads both files; pipes' names come in lower case.
    pub(super) fn read(root: &Path) -> Result<Self, ErrorKind> {
        let mut all = Self::default();
        for file in [PathBuf::from("/etc/transom/config.json"), root.join("config.json")] {
            let one = read(&file)?;
            all.pipes.extend(one.pipes.into_iter().map(|(pipe, path)| (pipe.to_lowercase(), path)));
            all.credentials_fetcher = one.credentials_fetcher.or(all.credentials_fetcher);
        }
        Ok(all)
    }
}

fn read(file: &Path) -> Result<Decisions, ErrorKind> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Decisions::default()),
        Err(e) => return Err(ErrorKind::io(format!("read {}", file.display()), e)),
    };
    serde_json::from_slice(&text)
        .map_err(|e| ErrorKind::io(format!("understand {}", file.display()), io::Error::from(e)))
}
