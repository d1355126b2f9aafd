#![expect(unsafe_code, reason = "mount_setattr has no safe wrapper")]
//! Detached mounts: cloned from the host, changed, then attached.

use std::ffi::{CStr, CString};
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::error::ErrorKind;
use crate::sys::idmap::IdMap;

/// No setuid, no devices.
const HARMLESS: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// A mount, and those below it, that are not attached anywhere yet.
#[derive(Debug)]
pub(crate) struct Tree {
    fd: OwnedFd,
    name: String,
}

impl Tree {
    /// A clone of the one mount that holds `path`, seen from there.
    pub(crate) fn clone_of(path: &Path) -> Result<Self, ErrorKind> {
        Self::clone(path, OpenTreeFlags::empty())
    }

    /// A clone with every mount below.
    pub(crate) fn clone_all(path: &Path) -> Result<Self, ErrorKind> {
        Self::clone(path, OpenTreeFlags::AT_RECURSIVE)
    }

    /// A last symbolic link is not followed.
    fn clone(path: &Path, flags: OpenTreeFlags) -> Result<Self, ErrorKind> {
        let name = path.display().to_string();
        // What is cloned is cut off from the host's later mounts by `set`.
        let flags = flags
            | OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
        let fd = open_tree(CWD, path, flags)
            .map_err(|e| ErrorKind::io(format!("clone the mount of {name}"), e))?;
        let tree = Self { fd, name };
        tree.set(HARMLESS, None, true)?;
        Ok(tree)
    }

    /// A mount that was made detached.
    pub(crate) fn from_fd(fd: OwnedFd, name: &str) -> Self {
        Self { fd, name: name.into() }
    }

    /// Shows the host's ids as the container's.
    pub(crate) fn map_ids(self, ids: &IdMap) -> Result<Self, ErrorKind> {
        self.set(libc::MOUNT_ATTR_IDMAP, Some(ids), false)?;
        Ok(self)
    }

    /// Shows the host's ids as the container's, in every mount below too.
    pub(crate) fn map_all_ids(self, ids: &IdMap) -> Result<Self, ErrorKind> {
        self.set(libc::MOUNT_ATTR_IDMAP | HARMLESS, Some(ids), true)?;
        Ok(self)
    }

    /// Lets nobody write, in every mount below too.
    pub(crate) fn read_only(self) -> Result<Self, ErrorKind> {
        self.set(libc::MOUNT_ATTR_RDONLY, None, true)?;
        Ok(self)
    }

    fn set(&self, attributes: u64, ids: Option<&IdMap>, below: bool) -> Result<(), ErrorKind> {
        set_attributes(self.fd.as_fd(), c"", attributes, ids, below).map_err(|e| {
            match (e.raw_os_error(), ids) {
                (Some(libc::EINVAL), Some(_)) => ErrorKind::HostLacks {
                    what: format!("the file system of {} cannot map ids", self.name),
                    mend: "use a directory on ext4, xfs, btrfs or tmpfs, on Linux 5.19 or later"
                        .into(),
                },
                _ => ErrorKind::io(format!("change the mount of {}", self.name), e),
            }
        })
    }

    /// Attaches it over a path.
    pub(crate) fn attach(&self, at: &Path) -> Result<(), ErrorKind> {
        move_mount(&self.fd, c"", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .map_err(|e| ErrorKind::io(format!("mount {} at {}", self.name, at.display()), e))
    }

    /// Attaches it over an opened file or directory.
    pub(crate) fn attach_over(&self, over: impl AsFd) -> Result<(), ErrorKind> {
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(&self.fd, c"", over, c"", flags)
            .map_err(|e| ErrorKind::io(format!("mount {}", self.name), e))
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Lets nobody write to the mount at `path`.
pub(super) fn make_read_only(path: &Path) -> Result<(), ErrorKind> {
    let text = CString::new(path.as_os_str().as_bytes()).expect("our own path holds no NUL");
    set_attributes(CWD, &text, libc::MOUNT_ATTR_RDONLY, None, false)
        .map_err(|e| ErrorKind::io(format!("make {} read-only", path.display()), e))
}

fn set_attributes(
    at: BorrowedFd<'_>,
    path: &CStr,
    attributes: u64,
    ids: Option<&IdMap>,
    below: bool,
) -> Result<(), std::io::Error> {
    let namespace = ids.map_or(0, |ids| ids.as_fd().as_raw_fd());
    let change = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: u64::try_from(namespace).expect("a descriptor is not negative"),
    };
    let flags = libc::AT_EMPTY_PATH | if below { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string, and the struct lives and has the size that is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
