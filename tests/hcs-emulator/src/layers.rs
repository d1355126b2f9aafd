//! Layers as folders: what `vmcompute.dll` keeps on disks and in a filter driver is marked by files.
//!
//! A scratch is `sandbox.vhdx` and, while it is attached and filtered, `active` and `prepared` beside
//! it. The order is Windows' own: a scratch is activated before it is prepared, and taken apart in
//! reverse.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::codes;

/// `ERROR_SHARING_VIOLATION`: it is in use.
const IN_USE: u32 = 0x8007_0020;
/// `ERROR_PATH_NOT_FOUND`.
const NO_PATH: u32 = 0x8007_0003;
/// `ERROR_FILE_NOT_FOUND`.
const NO_FILE: u32 = 0x8007_0002;
/// `ERROR_ALREADY_EXISTS`.
const EXISTS: u32 = 0x8007_00B7;

type Outcome = Result<(), u32>;

fn result(error: &io::Error) -> u32 {
    codes::of_win32(error.raw_os_error().unwrap_or(1).cast_unsigned())
}

fn disk(layer: &Path) -> PathBuf {
    layer.join("sandbox.vhdx")
}

fn is(layer: &Path, mark: &str) -> bool {
    layer.join(mark).exists()
}

fn set(layer: &Path, mark: &str) -> Outcome {
    fs::write(layer.join(mark), "").map_err(|error| result(&error))
}

fn unset(layer: &Path, mark: &str) -> Outcome {
    fs::remove_file(layer.join(mark)).map_err(|error| result(&error))
}

/// The id of a name, the same for everybody.
pub fn name_to_guid(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.to_lowercase().as_bytes())
}

/// Makes a scratch. Its folder may be there, its disk may not.
pub fn create_scratch(layer: &Path, parents: &[PathBuf]) -> Outcome {
    if parents.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    if parents.iter().any(|parent| !parent.is_dir()) {
        return Err(NO_PATH);
    }
    if disk(layer).exists() {
        return Err(EXISTS);
    }
    fs::create_dir_all(layer).map_err(|error| result(&error))?;
    fs::write(disk(layer), "").map_err(|error| result(&error))
}

/// Attaches its disk.
pub fn activate(layer: &Path) -> Outcome {
    if !disk(layer).exists() {
        return Err(NO_FILE);
    }
    set(layer, "active")
}

/// Puts the filter over it.
pub fn prepare(layer: &Path, parents: &[PathBuf]) -> Outcome {
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    if parents.iter().any(|parent| !parent.is_dir()) {
        return Err(NO_PATH);
    }
    set(layer, "prepared")
}

/// Takes the filter off.
pub fn unprepare(layer: &Path) -> Outcome {
    if !is(layer, "prepared") {
        return Err(codes::NOT_READY);
    }
    unset(layer, "prepared")
}

/// Detaches its disk.
pub fn deactivate(layer: &Path) -> Outcome {
    if is(layer, "prepared") {
        return Err(IN_USE);
    }
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    unset(layer, "active")
}

/// Removes it.
pub fn destroy(layer: &Path) -> Outcome {
    if is(layer, "prepared") || is(layer, "active") {
        return Err(IN_USE);
    }
    fs::remove_dir_all(layer).map_err(|error| result(&error))
}

/// Its volume, while it is active.
pub fn volume(layer: &Path) -> Result<String, u32> {
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    let id = name_to_guid(&layer.to_string_lossy());
    Ok(format!(r"\\?\Volume{{{id}}}"))
}

/// Whether it needs a disk at all.
pub fn expand(layer: &Path, size: u64) -> Outcome {
    if !disk(layer).exists() {
        return Err(NO_FILE);
    }
    if size == 0 { Err(codes::INVALID_ARGUMENT) } else { Ok(()) }
}
