//! The prefix and its `drive_c`: scratch over layers over platform over base.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};
use rustix::process::{Gid, Uid};
use rustix::thread;

use super::{Tree, make_dir};
use crate::error::ErrorKind;
use crate::sys::identity::FIRST_ID;
use crate::sys::idmap::IdMap;

/// Clones the lower directories, read-only and with the container's ids.
pub(super) fn lowers(paths: &[PathBuf], ids: &IdMap) -> Result<Vec<Tree>, ErrorKind> {
    paths.iter().map(|path| Tree::clone_of(path)?.map_ids(ids)?.read_only()).collect()
}

/// Mounts the prefix at `wine` and the overlay at its `drive_c`. Paths are relative to the stage,
/// and short: the kernel takes them all in one page.
///
/// Without `passing` its end writes out all of the host's file system that the scratch is on.
pub(super) fn mount_prefix(
    scratch: &Tree,
    passing: bool,
    lowers: &[Tree],
    wine: &Path,
) -> Result<(), ErrorKind> {
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
    // Renaming a folder that came with a layer leaves a note of its former name: without it the
    // kernel answers EXDEV, and no program of Windows expects that within one drive.
    options.push_str(",upperdir=s/upper,workdir=s/work,index=off,metacopy=off,redirect_dir=on");
    if passing {
        options.push_str(",volatile");
    }
    make_dir(wine)?;
    Tree::clone_of(Path::new("s/prefix"))?.attach(wine)?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
    let data = std::ffi::CString::new(options).expect("our own options hold no NUL");
    as_container_root(|| mount("overlay", wine.join("drive_c"), "overlay", flags, data.as_c_str()))
        .map_err(|e| ErrorKind::io("mount the overlay of C:", e))
}

/// Does `work` under the ids of the container's root, with this process' capabilities.
///
/// An overlay writes to its upper layer as whoever mounted it, and the id-mapped scratch knows only
/// the container's ids: mounted by the host's root it would be read-only.
fn as_container_root<T>(work: impl FnOnce() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    let root = (Uid::from_raw(FIRST_ID), Gid::from_raw(FIRST_ID));
    let capabilities = thread::capabilities(None)?;
    thread::set_thread_res_gid(None, root.1, None)?;
    thread::set_thread_res_uid(None, root.0, None)?;
    // Leaving root's id takes the effective ones away; the permitted ones stay.
    let done = thread::set_capabilities(None, capabilities).and_then(|()| work());
    thread::set_thread_res_uid(None, Uid::ROOT, None)?;
    thread::set_thread_res_gid(None, Gid::ROOT, None)?;
    thread::set_capabilities(None, capabilities)?;
    done
}
