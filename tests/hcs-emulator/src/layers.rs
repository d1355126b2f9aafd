//! Layers as folders: what `vmcompute.dll` keeps on disks and in a filter driver is marked by files.
//!
//! A scratch is `sandbox.vhdx` and, while it is attached and filtered, `active` and `prepared` beside
//! it. The order is Windows' own: a scratch is activated before it is prepared, and taken apart in
//! reverse.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::codes;
use crate::storage;

type Outcome = Result<(), u32>;

fn disk(layer: &Path) -> PathBuf {
    layer.join("sandbox.vhdx")
}

fn is(layer: &Path, mark: &str) -> bool {
    layer.join(mark).exists()
}

fn set(layer: &Path, mark: &str) -> Outcome {
    fs::write(layer.join(mark), "").map_err(|error| codes::of_io(&error))
}

fn unset(layer: &Path, mark: &str) -> Outcome {
    fs::remove_file(layer.join(mark)).map_err(|error| codes::of_io(&error))
}

/// The id of a name, the same for everybody.
pub fn name_to_guid(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.to_lowercase().as_bytes())
}

/// Makes an empty layer, beside its parent if it has one.
pub fn create(layer: &Path, parent: &Path) -> Outcome {
    if !parent.as_os_str().is_empty() && !parent.is_dir() {
        return Err(codes::NO_PATH);
    }
    if layer.exists() {
        return Err(codes::EXISTS);
    }
    fs::create_dir_all(layer.join("Files")).map_err(|error| codes::of_io(&error))
}

/// Copies one.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    if is(from, "prepared") || is(from, "active") {
        return Err(codes::IN_USE);
    }
    storage::import(to, from, &[])
}

/// Makes a scratch. Its folder may be there, its disk may not.
pub fn create_scratch(layer: &Path, parents: &[PathBuf]) -> Outcome {
    if parents.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    if parents.iter().any(|parent| !parent.is_dir()) {
        return Err(codes::NO_PATH);
    }
    if disk(layer).exists() {
        return Err(codes::EXISTS);
    }
    fs::create_dir_all(layer).map_err(|error| codes::of_io(&error))?;
    fs::write(disk(layer), "").map_err(|error| codes::of_io(&error))
}

/// Attaches its disk.
pub fn activate(layer: &Path) -> Outcome {
    if !disk(layer).exists() {
        return Err(codes::NO_FILE);
    }
    set(layer, "active")
}

/// Puts the filter over it.
pub fn prepare(layer: &Path, parents: &[PathBuf]) -> Outcome {
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    if parents.iter().any(|parent| !parent.is_dir()) {
        return Err(codes::NO_PATH);
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
        return Err(codes::IN_USE);
    }
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    unset(layer, "active")
}

/// Removes it.
pub fn destroy(layer: &Path) -> Outcome {
    if is(layer, "prepared") || is(layer, "active") {
        return Err(codes::IN_USE);
    }
    fs::remove_dir_all(layer).map_err(|error| codes::of_io(&error))
}

/// Its volume, while it is active.
pub fn volume(layer: &Path) -> Result<String, u32> {
    if !is(layer, "active") {
        return Err(codes::NOT_READY);
    }
    let id = name_to_guid(&layer.to_string_lossy());
    Ok(format!(r"\\?\Volume{{{id}}}"))
}

/// Gives a scratch's disk a size.
pub fn expand(layer: &Path, size: u64) -> Outcome {
    if !disk(layer).exists() {
        return Err(codes::NO_FILE);
    }
    if size == 0 { Err(codes::INVALID_ARGUMENT) } else { Ok(()) }
}

/// Lets a virtual machine open a file.
pub fn grant(machine: &str, file: &Path) -> Outcome {
    if machine.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    if file.exists() { Ok(()) } else { Err(codes::NO_FILE) }
}

/// Makes a base layer, or the utility machine in it, one that scratches can stand on.
pub fn process(image: &Path) -> Outcome {
    if image.join("Files").is_dir() { Ok(()) } else { Err(codes::NO_PATH) }
}
