//! A scratch folder's contents: what a container writes, and the Wine prefix around it.
//!
//! ```text
//! scratch/upper    what was written to C:            overlay's upper directory
//! scratch/work     overlay's own
//! scratch/prefix   the registry, dosdevices, drive_c as a mount point
//! ```
//!
//! With a size limit the three are inside `scratch/disk.ext4`, a file system of that size that only
//! the silo mounts. Everything belongs to host root; id-mapped mounts show it as the container's.

mod sized;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

pub(crate) use sized::IMAGE;

use super::mounts::Tree;
use crate::error::ErrorKind;

/// The registry's files.
pub(crate) const REGISTRY: [&str; 3] = ["system.reg", "user.reg", "userdef.reg"];

/// Makes a scratch at `path`, with the registry of `registry`. All or nothing.
pub(crate) fn create(path: &Path, registry: &Path, size: Option<u64>) -> Result<(), ErrorKind> {
    if path.join("prefix").exists() || path.join(IMAGE).exists() {
        return Err(ErrorKind::AlreadyExists);
    }
    let fail = |e| ErrorKind::io(format!("make the scratch {}", path.display()), e);
    fs::create_dir_all(path).map_err(fail)?;
    let new = path.join(".new");
    remove_tree(&new).map_err(fail)?;
    let made = match size {
        None => fill(&new, registry).map_err(fail),
        Some(size) => sized::make(&new, size, |inside| fill(inside, registry)),
    };
    // What shows that a scratch is whole moves last.
    let kept = made.and_then(|()| {
        ["upper", "work", IMAGE, "prefix"]
            .iter()
            .map(|name| (new.join(name), path.join(name)))
            .filter(|(from, _)| from.exists())
            .try_for_each(|(from, to)| fs::rename(from, to))
            .map_err(fail)
    });
    let _ = remove_tree(&new);
    kept.inspect_err(|_| {
        let _ = destroy(path);
    })
}

/// Makes the three directories in `root`.
fn fill(root: &Path, registry: &Path) -> io::Result<()> {
    let dir = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o755).create(path);
    for name in ["upper", "work", "prefix/drive_c", "prefix/dosdevices"] {
        dir(&root.join(name))?;
    }
    let prefix = root.join("prefix");
    symlink("../drive_c", prefix.join("dosdevices/c:"))?;
    for name in REGISTRY {
        fs::copy(registry.join(name), prefix.join(name)).map(drop)?;
    }
    Ok(())
}

/// A scratch as a detached mount, ready for the container's ids.
pub(crate) fn tree(scratch: &Path) -> Result<Tree, ErrorKind> {
    let image = scratch.join(IMAGE);
    if image.is_file() { sized::mount(&image) } else { Tree::clone_of(scratch) }
}

/// Has the overlay begin anew in the scratch of [`crate::PASSING`]: it notes there that it was
/// mounted without ever being written out, and would refuse to be mounted again.
pub(crate) fn begin_anew(scratch: &Path) -> Result<(), ErrorKind> {
    let notes = scratch.join("work/work");
    remove_tree(&notes).map_err(|e| ErrorKind::io(format!("remove {}", notes.display()), e))
}

/// Removes a scratch and all that is in it.
pub(crate) fn destroy(path: &Path) -> Result<(), ErrorKind> {
    remove_tree(path).map_err(|e| ErrorKind::io(format!("remove {}", path.display()), e))
}

/// Removes a tree. Its contents were a container's to choose: the standard library opens each
/// directory by its parent's descriptor and follows no link. A tree that is gone is a success.
fn remove_tree(path: &Path) -> io::Result<()> {
    refuse_mounts(path)?;
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Something mounted below would be emptied with the tree.
fn refuse_mounts(path: &Path) -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    match points.map(PathBuf::from).find(|point| point.starts_with(path)) {
        Some(point) => {
            Err(io::Error::other(format!("something is mounted at {}", point.display())))
        }
        None => Ok(()),
    }
}
