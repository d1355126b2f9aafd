//! Layers in and out of folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Outcome, transport};
use crate::codes;
use crate::document::{self, understand};
use crate::layers;

/// What a layer may hold.
const PARTS: [&str; 3] = ["Files", "Hives", "UtilityVM"];

/// Makes a layer. Its folder may be there, its files may not. Without parents it is a base layer,
/// whose files stand as they are; with them the folder is in the transport form.
pub fn import(layer: &Path, source: &Path, parents: &[PathBuf]) -> Outcome {
    if !source.join("Files").is_dir() && (parents.is_empty() || !source.is_dir()) {
        return Err(codes::NO_PATH);
    }
    if layer.join("Files").exists() {
        return Err(codes::EXISTS);
    }
    if parents.is_empty() {
        return take(source, layer, &PARTS);
    }
    if !parents.last().is_some_and(|base| layers::is_base(base)) {
        return Err(codes::NO_FILE);
    }
    transport::apply(source, layer, parents)
}

/// Unpacks a layer. A scratch's contents are on its disk, which is marked only: it has its hives.
pub fn export(layer: &Path, folder: &Path, parents: &[PathBuf], options: &str) -> Outcome {
    let options =
        understand(options, &document::EXPORT_OPTIONS).map_err(|_| codes::INVALID_JSON)?;
    let is_scratch = layer.join("sandbox.vhdx").exists();
    if (options["IsWritableLayer"] == true) != is_scratch {
        return Err(codes::INVALID_ARGUMENT);
    }
    if !layer.is_dir() || parents.iter().any(|parent| !parent.is_dir()) {
        return Err(codes::NO_PATH);
    }
    take(layer, folder, &PARTS)
}

fn take(from: &Path, to: &Path, parts: &[&str]) -> Outcome {
    let copied = parts.iter().filter(|part| from.join(part).is_dir());
    let mut each = copied.map(|part| copy(&from.join(part), &to.join(part)));
    let made = fs::create_dir_all(to).and_then(|()| each.try_for_each(|one| one));
    made.map_err(|error| codes::of_io(&error))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy_to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &copy_to)?;
        } else {
            fs::copy(path, copy_to)?;
        }
    }
    Ok(())
}
