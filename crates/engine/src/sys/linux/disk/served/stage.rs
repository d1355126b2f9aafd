//! The small tree that a serving program lives in: the host's programs and libraries, read-only,
//! its image, and what FUSE needs.

use std::ffi::CStr;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::mount::{mount, mount_change, mount_remount, move_mount, open_tree, unmount};
use rustix::process::{chdir, pivot_root};

use super::Service;
use super::programs::{IMAGE, SERVED};
use crate::error::ErrorKind;

/// Folders with programs and libraries; a link among them is made again.
const PROGRAMS: [&str; 6] = ["usr", "bin", "sbin", "lib", "lib32", "lib64"];

/// Files that programs look at: the linker's cache, the kernel's file systems, FUSE.
const FILES: [&str; 4] = ["etc/ld.so.cache", "proc/filesystems", "dev/fuse", "dev/null"];

/// The first place of the new root. Whatever is below it is not seen from this namespace.
const PLACE: &CStr = c"/run";

/// Makes the tree around the mount of an image, and enters it. The caller is in a mount namespace of its own.
pub(super) fn enter(image: &OwnedFd, service: Service) -> Result<(), ErrorKind> {
    let step = |what: &'static str| move |e: rustix::io::Errno| ErrorKind::io(what, e);
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private).map_err(step("detach from the host's mounts"))?;
    mount("tmpfs", PLACE, "tmpfs", MountFlags::NOSUID, c"mode=0755,size=4m")
        .map_err(step("mount a tmpfs"))?;
    let root = Path::new("/run");
    for name in PROGRAMS {
        program_folder(root, name)?;
    }
    for name in FILES {
        if Path::new("/").join(name).exists() {
            file(root, name)?;
        }
    }
    // What looks here for what is mounted finds nothing.
    write(&root.join("proc/mounts"))?;
    let at = root.join(IMAGE.trim_start_matches('/'));
    write(&at)?;
    attach(image, &at)?;
    let served = root.join(SERVED.trim_start_matches('/'));
    match service {
        Service::Disk(_) => write(&served)?,
        Service::Ntfs => make_dir(&served)?,
    }
    chdir(root).map_err(step("enter the new root"))?;
    pivot_root(".", ".").map_err(step("make the new root the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(step("let go of the host's root"))?;
    chdir("/").map_err(step("enter the root"))
}

fn program_folder(root: &Path, name: &str) -> Result<(), ErrorKind> {
    let (from, to) = (Path::new("/").join(name), root.join(name));
    let fail = |e| ErrorKind::io(format!("bring in {}", from.display()), e);
    let Ok(kind) = fs::symlink_metadata(&from) else { return Ok(()) };
    if kind.is_symlink() {
        let leads_to = fs::read_link(&from).map_err(fail)?;
        return symlink(leads_to, &to).map_err(fail);
    }
    make_dir(&to)?;
    bind(&from, &to)?;
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(&to, flags, c"").map_err(|e| fail(e.into()))
}

fn file(root: &Path, name: &str) -> Result<(), ErrorKind> {
    let to = root.join(name);
    write(&to)?;
    bind(&Path::new("/").join(name), &to)
}

/// An empty file.
fn write(path: &Path) -> Result<(), ErrorKind> {
    path.parent().map_or(Ok(()), make_dir)?;
    fs::write(path, "").map_err(|e| ErrorKind::io(format!("make {}", path.display()), e))
}

fn make_dir(path: &Path) -> Result<(), ErrorKind> {
    fs::create_dir_all(path).map_err(|e| ErrorKind::io(format!("make {}", path.display()), e))
}

fn bind(from: &Path, to: &Path) -> Result<(), ErrorKind> {
    attach(&clone_of(from)?, to)
}

fn clone_of(from: &Path) -> Result<OwnedFd, ErrorKind> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, from, flags)
        .map_err(|e| ErrorKind::io(format!("clone the mount of {}", from.display()), e))
}

fn attach(tree: &OwnedFd, to: &Path) -> Result<(), ErrorKind> {
    move_mount(tree, c"", CWD, to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .map_err(|e| ErrorKind::io(format!("mount {}", to.display()), e))
}

/// A mount of the very file that was opened, whatever its path means by now. Only from the mount
/// namespace that it was opened in.
pub(super) fn mount_of(opened: &OwnedFd) -> Result<OwnedFd, ErrorKind> {
    clone_of(Path::new(&format!("/proc/self/fd/{}", opened.as_raw_fd())))
}
