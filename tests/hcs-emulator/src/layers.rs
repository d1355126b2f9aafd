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
    if !parents.last().is_some_and(|base| is_base(base)) {
        // Its disk is a child of the base's.
        return Err(codes::NO_FILE);
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
    make_removable(layer).and_then(|()| fs::remove_dir_all(layer)).map_err(|e| codes::of_io(&e))
}

/// The service removes read-only files too.
fn make_removable(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = fs::symlink_metadata(entry.path())?;
        if about.is_dir() {
            make_removable(&entry.path())?;
        }
        let mut access = about.permissions();
        if access.readonly() && !about.is_symlink() {
            #[expect(clippy::permissions_set_readonly_false, reason = "it is removed next")]
            access.set_readonly(false);
            fs::set_permissions(entry.path(), access)?;
        }
    }
    Ok(())
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

/// What the service makes of a base layer: the empty disks that scratches begin as.
const DISKS: [&str; 2] = ["blank-base.vhdx", "blank.vhdx"];
/// A base's registry, and the names that its hives have for layers upon it.
const REGISTRY: [(&str, &str); 5] = [
    ("DEFAULT", "DefaultUser_Base"),
    ("SAM", "Sam_Base"),
    ("SECURITY", "Security_Base"),
    ("SOFTWARE", "Software_Base"),
    ("SYSTEM", "System_Base"),
];

/// Whether scratches and layers can stand on it.
pub fn is_base(layer: &Path) -> bool {
    is(layer, DISKS[1])
}

/// Makes a base layer one that scratches can stand on: its registry must be there.
pub fn process(image: &Path) -> Outcome {
    let config = image.join("Files/Windows/System32/config");
    if !image.join("Files").is_dir() {
        return Err(codes::NO_PATH);
    }
    if DISKS.iter().any(|disk| is(image, disk)) {
        return Err(codes::EXISTS);
    }
    let kept = image.join("Hives");
    fs::create_dir_all(&kept).map_err(|error| codes::of_io(&error))?;
    for (hive, base) in REGISTRY {
        let bytes = fs::read(config.join(hive)).map_err(|error| codes::of_io(&error))?;
        if !bytes.starts_with(b"regf") {
            return Err(codes::INVALID_DATA);
        }
        fs::write(kept.join(base), bytes).map_err(|error| codes::of_io(&error))?;
    }
    set(image, "layout")?;
    DISKS.iter().try_for_each(|disk| set(image, disk))
}

/// The same of the utility machine in it.
pub fn process_machine(image: &Path) -> Outcome {
    let boots = image.join("Files/EFI/Microsoft/Boot/BCD").is_file();
    if boots { set(image, "SystemTemplate.vhdx") } else { Err(codes::NO_PATH) }
}
