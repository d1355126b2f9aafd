//! Memory in the place of a disk: empty at first, the container's from the beginning, gone with it.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::mount::{fsconfig_create, fsconfig_set_string, fsmount, fsopen};

use crate::error::ErrorKind;
use crate::sys::identity::FIRST_ID;
use crate::sys::mounts::Tree;

/// Makes one, detached.
pub(crate) fn mount(size: Option<u64>, read_only: bool) -> Result<Tree, ErrorKind> {
    let fd = make(size, read_only).map_err(|e| ErrorKind::io("make a tmpfs", e))?;
    Ok(Tree::from_fd(fd, "a tmpfs"))
}

fn make(size: Option<u64>, read_only: bool) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let set = |name: &std::ffi::CStr, value: String| {
        let value = CString::new(value).expect("a number holds no NUL");
        fsconfig_set_string(context.as_fd(), name, value.as_c_str())
    };
    set(c"mode", "755".to_owned())?;
    set(c"uid", FIRST_ID.to_string())?;
    set(c"gid", FIRST_ID.to_string())?;
    if let Some(size) = size {
        set(c"size", size.to_string())?;
    }
    fsconfig_create(context.as_fd())?;
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    if read_only {
        attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}
