//! Jobs that were made silos, and what is bound in them: what Windows keeps in its kernel.
//!
//! Each has a file, [`folder`]`/<job>.json`, from its promotion to its end. A binding is checked
//! strictly and written there with its flags; under Wine it is also shown, by a link of the host below
//! ([`shown`]). Two things are not as on Windows: a link is seen by everybody, so that a path which
//! another silo shows stays that one's; and what a killed process' silo shows is there until the next
//! binding, or until somebody asks for a [`sweep`].

mod jobs;
mod shown;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED, HANDLE,
};

use crate::{codes, storage};

/// `BINDFLT_FLAG_READ_ONLY_MAPPING`.
pub const READ_ONLY: u32 = 1;
/// `BINDFLT_FLAG_USE_CURRENT_SILO_MAPPING`.
pub const OF_THE_SILO: u32 = 4;

/// What is known of a silo.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    bindings: Vec<Binding>,
    limits: Option<Limits>,
}

/// Limits of a job's disk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Limits {
    iops: i64,
    bandwidth: i64,
}

/// What is bound.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Binding {
    at: String,
    target: String,
    flags: u32,
    /// How it is shown, if it is.
    shown: Option<shown::Shown>,
}

/// Where the silos' files are.
pub fn folder() -> PathBuf {
    std::env::temp_dir().join("hcs-emulator-silos")
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.json"))
}

fn read(path: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(name: &str, record: &Record) -> Result<(), u32> {
    let text = serde_json::to_vec(record).map_err(|_| codes::INVALID_DATA)?;
    fs::write(path(name), text).map_err(|error| codes::of_io(&error))
}

/// One at a time in this process; a silo is one process' own.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a job a silo: once, and while nothing runs in it. A failure is a Windows error.
pub fn promote(job: HANDLE) -> Result<(), u32> {
    let _alone = alone();
    let name = jobs::name(job).ok_or(ERROR_INVALID_PARAMETER)?;
    if !jobs::is_empty(job) {
        return Err(ERROR_INVALID_PARAMETER);
    }
    sweep_but(&name);
    if path(&name).exists() {
        return Err(ERROR_ALREADY_EXISTS);
    }
    fs::create_dir_all(folder()).map_err(|_| ERROR_INVALID_PARAMETER)?;
    write(&name, &Record::default()).map_err(|_| ERROR_INVALID_PARAMETER)
}

/// Binds a path in a silo.
pub fn bind(job: HANDLE, flags: u32, at: &str, target: &str) -> Result<(), u32> {
    let _alone = alone();
    let name = jobs::name(job).ok_or(codes::INVALID_HANDLE)?;
    let mut record = read(&path(&name)).ok_or(codes::INVALID_ARGUMENT)?;
    if flags & OF_THE_SILO == 0 || flags & !(OF_THE_SILO | READ_ONLY) != 0 {
        return Err(codes::INVALID_ARGUMENT);
    }
    let bare = on_drive(at)?;
    if !Path::new(bare).parent().is_some_and(Path::is_dir) {
        return Err(codes::NO_PATH);
    }
    if record.bindings.iter().any(|one| one.at.eq_ignore_ascii_case(at)) {
        return Err(codes::EXISTS);
    }
    let there = seen(target)?;
    sweep_but(&name);
    let shown = shown::show(Path::new(bare), &there);
    record.bindings.push(Binding { at: at.into(), target: target.into(), flags, shown });
    write(&name, &record)
}

/// Limits the disk of a job that is a silo: of others nothing is kept. A failure is a Windows error.
pub fn limit(job: HANDLE, iops: i64, bandwidth: i64) -> Result<(), u32> {
    let _alone = alone();
    let name = jobs::name(job).ok_or(ERROR_INVALID_PARAMETER)?;
    let mut record = read(&path(&name)).ok_or(ERROR_NOT_SUPPORTED)?;
    record.limits = Some(Limits { iops, bandwidth });
    write(&name, &record).map_err(|_| ERROR_INVALID_PARAMETER)
}

/// A path on a drive, as a kernel takes it, without a backslash at its end.
fn on_drive(path: &str) -> Result<&str, u32> {
    let bare = path.trim_end_matches('\\');
    let is_whole =
        matches!(bare.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic());
    let mut names = bare.split('\\').skip(1);
    if is_whole && names.all(|name| !matches!(name, "" | "." | "..") && !name.contains('/')) {
        Ok(bare)
    } else {
        Err(codes::INVALID_ARGUMENT)
    }
}

/// What a target is: a volume by its name, with a backslash at the end, or what there is on a drive.
fn seen(target: &str) -> Result<PathBuf, u32> {
    if target.starts_with(r"\\?\Volume{") {
        return if target.ends_with(r"}\") {
            storage::place(Path::new(target))
        } else {
            Err(codes::INVALID_ARGUMENT)
        };
    }
    let there = PathBuf::from(on_drive(target)?);
    if there.exists() { Ok(there) } else { Err(codes::NO_FILE) }
}

/// What is bound in a silo goes with it.
pub fn end(job: HANDLE) {
    let _alone = alone();
    if let Some(name) = jobs::name(job) {
        forget(&path(&name));
    }
}

/// Forgets the silos of jobs that are gone.
pub fn sweep() {
    let _alone = alone();
    sweep_but("");
}

fn sweep_but(own: &str) {
    for file in fs::read_dir(folder()).into_iter().flatten().flatten() {
        let file = file.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        if name != own && !jobs::is_there(&name) {
            forget(&file);
        }
    }
}

fn forget(file: &Path) {
    let bindings = read(file).map(|record| record.bindings).unwrap_or_default();
    for shown in bindings.iter().rev().filter_map(|binding| binding.shown.as_ref()) {
        shown::hide(shown);
    }
    fs::remove_file(file).ok();
}
