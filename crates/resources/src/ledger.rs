//! The ledger: what has been, or was about to be, acquired, one JSON object a line.
//!
//! A line is on the disk before its step is taken, so a line may be for a step that never was; all
//! that gives back takes that. The last line of a complete acquisition says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::undo::Undo;

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to {op} the ledger {}", path.display())]
pub struct LedgerError {
    /// What was being done.
    pub op: &'static str,
    /// Which ledger.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Undo(Undo),
    Complete { complete: bool },
}

/// What a ledger says.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// In the order of acquisition.
    pub undos: Vec<Undo>,
    /// The acquisition came to its end.
    pub complete: bool,
}

/// A ledger that is being written.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
}

impl Ledger {
    /// Begins a ledger. One that is there already belongs to somebody else.
    pub(crate) fn begin(path: &Path) -> Result<Self, LedgerError> {
        let fail = failed("begin", path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(&fail)?;
        }
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(&fail)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes what is about to be acquired.
    pub(crate) fn intend(&mut self, undo: &Undo) -> Result<(), LedgerError> {
        self.write(&Line::Undo(undo.clone()))
    }

    /// Writes that everything was acquired.
    pub(crate) fn complete(&mut self) -> Result<(), LedgerError> {
        self.write(&Line::Complete { complete: true })
    }

    fn write(&mut self, line: &Line) -> Result<(), LedgerError> {
        let fail = failed("write", &self.path);
        let mut text = serde_json::to_vec(line).map_err(|error| fail(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).and_then(|()| self.file.sync_data()).map_err(fail)
    }

    /// Replaces a ledger by what is left to give back.
    pub(crate) fn rewrite(path: &Path, undos: &[Undo], complete: bool) -> Result<(), LedgerError> {
        let fresh = path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let mut ledger = Self::begin(&fresh)?;
        for undo in undos {
            ledger.intend(undo)?;
        }
        if complete {
            ledger.complete()?;
        }
        fs::rename(&fresh, path).map_err(failed("rewrite", path))
    }
}

/// Reads a ledger; nothing when there is none. A last line that was being written when its writer
/// was killed names a step that was never taken.
pub(crate) fn read(path: &Path) -> Result<Option<Entries>, LedgerError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mut entries = Entries::default();
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        match serde_json::from_slice(line).map_err(|error| failed("read", path)(error.into()))? {
            Line::Undo(undo) => entries.undos.push(undo),
            Line::Complete { complete } => entries.complete = complete,
        }
    }
    Ok(Some(entries))
}

/// Removes a ledger. One that is gone is a success.
pub(crate) fn remove(path: &Path) -> Result<(), LedgerError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(op: &'static str, path: &Path) -> impl Fn(io::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |source| LedgerError { op, path: path.clone(), source }
}
