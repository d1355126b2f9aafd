//! What a layer was made from, so that it is known when that changes.
//!
//! A file is known by what a package manager or a compiler cannot help changing: its inode, size
//! and time. Reading them costs microseconds; hashing Wine would cost seconds at each start.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::wine::Wine;
use super::{doing, fonts};

/// Raised whenever the steps change what they make.
const RECIPE: u32 = 7;

/// One file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    path: PathBuf,
    inode: u64,
    size: u64,
    changed_ns: i128,
}

/// What makes a layer different from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inputs {
    recipe: u32,
    files: Vec<Input>,
}

/// `platform.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) wine_version: String,
    pub(super) os_version: String,
    pub(super) loader: PathBuf,
    pub(super) server: PathBuf,
    inputs: Inputs,
    /// Of the host, linked or copied into the runtime: an upgrade of one makes a new layer.
    libraries: Vec<Input>,
}

impl Input {
    fn of(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path).map_err(|error| doing("looking at", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            inode: meta.ino(),
            size: meta.len(),
            changed_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
        })
    }

    fn is_current(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }
}

impl Inputs {
    /// As they are now.
    pub(super) fn take(wine: &Wine, guest_exe: &Path) -> io::Result<Self> {
        let mut paths = vec![
            wine.loader.clone(),
            wine.server.clone(),
            wine.unix.clone(),
            wine.unix.join("ntdll.so"),
            wine.windows.clone(),
            wine.windows.join("ntdll.dll"),
            wine.data.join("wine.inf"),
            guest_exe.to_owned(),
        ];
        let primitives = guest_exe.with_file_name("bcryptprimitives.dll");
        paths.extend(primitives.is_file().then_some(primitives));
        paths.extend(fonts::of(wine));
        let files = paths.iter().map(|path| Input::of(path)).collect::<io::Result<_>>()?;
        Ok(Self { recipe: RECIPE, files })
    }

    fn is_current(&self) -> bool {
        self.recipe == RECIPE && self.files.iter().all(Input::is_current)
    }
}

impl Record {
    pub(super) fn new(wine: &Wine, inputs: Inputs, libraries: &[PathBuf]) -> io::Result<Self> {
        let libraries: Vec<Input> =
            libraries.iter().map(|path| Input::of(path)).collect::<io::Result<_>>()?;
        Ok(Self {
            key: key(&inputs, &libraries)?,
            wine_version: wine.version()?,
            os_version: super::OS_VERSION.to_owned(),
            loader: wine.loader.clone(),
            server: wine.server.clone(),
            inputs,
            libraries,
        })
    }

    /// Whether a layer made from `inputs` would be this one.
    pub(super) fn is_of(&self, inputs: &Inputs) -> bool {
        self.inputs == *inputs && self.libraries.iter().all(Input::is_current)
    }

    /// Whether nothing that it was made from has changed.
    pub(super) fn is_current(&self) -> bool {
        self.inputs.is_current() && self.libraries.iter().all(Input::is_current)
    }
}

/// 16 hexadecimal digits.
fn key(inputs: &Inputs, libraries: &[Input]) -> io::Result<String> {
    let digest = Sha256::digest(serde_json::to_vec(&(inputs, libraries))?);
    let first: [u8; 8] = std::array::from_fn(|index| digest[index]);
    Ok(format!("{:016x}", u64::from_be_bytes(first)))
}
