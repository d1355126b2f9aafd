//! What `computestorage.dll` does, on folders: volumes and disks are marked by files.
//!
//! A volume that exists only by name, `\\?\Volume{..}`, has a folder in the temporary folder for its
//! marks. What is right and wrong is as in [`layers`]: parents must be there and carry the ids of
//! their names, and what is attached twice, or not attached, is refused.

mod folders;
mod transport;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use crate::codes;
use crate::document::{self, Shape};
use crate::layers;

pub use folders::{export, import};

type Outcome = Result<(), u32>;

fn read(text: &str, shape: &Shape) -> Result<Value, u32> {
    document::understand(text, shape).map_err(|_| codes::INVALID_JSON)
}

/// The parents in a layer's data.
pub fn parents(data: &str) -> Result<Vec<PathBuf>, u32> {
    let data = read(data, &document::LAYER_DATA)?;
    let layers = data["Layers"].as_array().into_iter().flatten();
    layers.map(parent).collect()
}

fn parent(layer: &Value) -> Result<PathBuf, u32> {
    let path = PathBuf::from(layer["Path"].as_str().unwrap_or_default());
    let id = layer["Id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    if id.is_none() {
        return Err(codes::INVALID_ARGUMENT);
    }
    if is_volume(&path) {
        return Ok(path);
    }
    if !path.is_dir() {
        return Err(codes::NO_PATH);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if id != Some(layers::name_to_guid(&name)) {
        return Err(codes::INVALID_ARGUMENT);
    }
    Ok(path)
}

fn is_volume(path: &Path) -> bool {
    path.to_string_lossy().starts_with(r"\\?\Volume{")
}

/// Where a layer's, or a volume's, marks are.
pub(crate) fn place(path: &Path) -> Result<PathBuf, u32> {
    if !is_volume(path) {
        return if path.is_dir() { Ok(path.to_owned()) } else { Err(codes::NO_PATH) };
    }
    let name = path.to_string_lossy();
    let name = name.trim_start_matches(r"\\?\").trim_end_matches('\\').to_owned();
    let folder = std::env::temp_dir().join("hcs-emulator-volumes").join(name);
    fs::create_dir_all(&folder).map_err(|error| codes::of_io(&error))?;
    Ok(folder)
}

fn set(path: &Path, mark: &str, contents: &str) -> Outcome {
    let mark = place(path)?.join(mark);
    if mark.exists() {
        return Err(codes::IN_USE);
    }
    fs::write(mark, contents).map_err(|error| codes::of_io(&error))
}

/// Makes what a scratch needs, on its volume.
pub fn initialize(path: &Path, data: &str, options: &str) -> Outcome {
    read(options, &document::NO_OPTIONS)?;
    if parents(data)?.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    let mark = place(path)?.join("initialized");
    fs::write(mark, "").map_err(|error| codes::of_io(&error))
}

/// Puts the filter over a volume.
pub fn attach_filter(path: &Path, data: &str) -> Outcome {
    if parents(data)?.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    set(path, "filtered", "WCIFS")
}

/// Takes it off.
pub fn detach_filter(path: &Path) -> Outcome {
    unset(path, "filtered")
}

fn unset(path: &Path, mark: &str) -> Outcome {
    fs::remove_file(place(path)?.join(mark)).map_err(|_| codes::NO_FILTER)
}

/// Puts a filter of a named kind over a volume.
pub fn attach_overlay(path: &Path, data: &str) -> Outcome {
    let kind = filter(data)?;
    if parents(data)?.is_empty() {
        return Err(codes::INVALID_ARGUMENT);
    }
    set(path, "overlaid", &kind)
}

/// Takes it off: the same kind must be named.
pub fn detach_overlay(path: &Path, data: &str) -> Outcome {
    let kind = filter(data)?;
    let there = fs::read_to_string(place(path)?.join("overlaid")).map_err(|_| codes::NO_FILTER)?;
    if there == kind { unset(path, "overlaid") } else { Err(codes::NO_FILTER) }
}

fn filter(data: &str) -> Result<String, u32> {
    let data = read(data, &document::LAYER_DATA)?;
    let kind = data["FilterType"].as_str().filter(|kind| !kind.is_empty());
    kind.map(str::to_owned).ok_or(codes::INVALID_ARGUMENT)
}

/// Makes a base layer one that scratches can stand on. `has_disk` is whether a disk's handle came.
pub fn setup_base(layer: &Path, has_disk: bool, options: &str) -> Outcome {
    let options = read(options, &document::OS_LAYER_OPTIONS)?;
    if (options["Type"] == "Vm") != has_disk {
        return Err(codes::INVALID_ARGUMENT);
    }
    setup(layer)
}

/// The same on a volume that is mounted.
pub fn setup_base_volume(layer: &Path, volume: &Path, options: &str) -> Outcome {
    read(options, &document::OS_LAYER_OPTIONS)?;
    place(volume)?;
    setup(layer)
}

fn setup(layer: &Path) -> Outcome {
    if !layer.join("Files").is_dir() {
        return Err(codes::NO_PATH);
    }
    fs::write(layer.join("Layout"), "").map_err(|error| codes::of_io(&error))
}

/// The mark of a disk that was formatted, beside it.
fn formatted(disk: &Path) -> PathBuf {
    let mut name = disk.file_name().unwrap_or_default().to_owned();
    name.push(".formatted");
    disk.with_file_name(name)
}

/// Formats a disk.
pub fn format(disk: &Path) -> Outcome {
    fs::write(formatted(disk), "").map_err(|error| codes::of_io(&error))
}

/// The volume of a disk that was formatted.
pub fn volume(disk: &Path) -> Result<String, u32> {
    if !formatted(disk).exists() {
        return Err(codes::NOT_READY);
    }
    let id = layers::name_to_guid(&disk.to_string_lossy());
    Ok(format!(r"\\?\Volume{{{id}}}"))
}

#[cfg(test)]
mod tests;
