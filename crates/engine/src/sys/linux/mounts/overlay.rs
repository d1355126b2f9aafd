//! The prefix and its `drive_c`: scratch over layers over platform over base.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

use super::{Tree, make_dir};
use crate::error::ErrorKind;
use crate::sys::idmap::IdMap;

/// Clones the lower directories, read-only and with the container's ids.
pub(super) fn lowers(paths: &[PathBuf], ids: &IdMap) -> Result<Vec<Tree>, ErrorKind> {
    paths.iter().map(|path| Tree::clone_of(path)?.map_ids(ids)?.read_only()).collect()
}

/// Mounts the prefix at `wine` and the overlay at its `drive_c`. Paths are relative to the stage,
/// and short: the kernel takes them all in one page.
pub(super) fn mount_prefix(scratch: &Tree, lowers: &[Tree], wine: &Path) -> Result<(), ErrorKind> {
    make_dir(Path::new("s"))?;
    scratch.attach(Path::new("s"))?;
    let mut options = String::from("lowerdir=");
    for (at, lower) in lowers.iter().enumerate() {
        let point = format!("l{at}");
        make_dir(Path::new(&point))?;
        lower.attach(Path::new(&point))?;
        if at > 0 {
            options.push(':');
        }
        options.push_str(&point);
    }
    options.push_str(",upperdir=s/upper,workdir=s/work,index=off,metacopy=off,redirect_dir=off");
    make_dir(wine)?;
    Tree::clone_of(Path::new("s/prefix"))?.attach(wine)?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
    let data = std::ffi::CString::new(options).expect("our own options hold no NUL");
    mount("overlay", wine.join("drive_c"), "overlay", flags, data.as_c_str())
        .map_err(|e| ErrorKind::io("mount the overlay of C:", e))
}
