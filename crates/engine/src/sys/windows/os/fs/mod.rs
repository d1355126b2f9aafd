//! Files and folders beneath open folders.

#![expect(unsafe_code, reason = "Windows is a C interface")]

mod change;
pub(in crate::sys) mod descriptor;
mod flags;
mod identity;
mod lock;
mod owner;
mod private;
pub(in crate::sys) mod restore;
mod stat;

pub use change::{
    Timespec, Timestamps, fchmod, fgetxattr, fsetxattr, futimens, getxattr, ioctl_ficlone,
    lgetxattr, linkat, mknodat, renameat, setxattr, symlinkat, unlinkat, utimensat,
};
pub use flags::{AtFlags, FileType, Mode, OFlags, ResolveFlags, XattrFlags};
pub use identity::{identity, identity_of, is_linked};
pub use lock::{FlockOperation, begin_writing, flock, own, sync_folder};
pub(in super::super) use owner::check_owner;
pub use private::{give_as, make_private, make_volatile, remove_volatile};
pub use stat::{Stat, free_space, fstat, is_writable, statat};

pub use super::dir::{Dir, DirEntry};

use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_READ_ATTRIBUTES, FILE_TRAVERSE,
    FILE_WRITE_ATTRIBUTES, SYNCHRONIZE,
};

use super::at::{self, How};
use super::errno::Errno;
use super::fd::{AsFd, BorrowedFd, OwnedFd};

pub(super) use stat::is_folder;

/// Where the process is.
pub const CWD: BorrowedFd<'static> = BorrowedFd::CWD;

/// A folder is listed, marked, and things are made in it.
pub(super) const FOLDER_READ: u32 =
    FILE_GENERIC_READ | FILE_TRAVERSE | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;
/// Only looked at.
const LOOK: u32 = FILE_READ_ATTRIBUTES | SYNCHRONIZE;
/// To give it another name, or none.
const MOVE: u32 = DELETE | SYNCHRONIZE | FILE_READ_ATTRIBUTES;

/// Opens a path.
pub fn open(path: impl AsRef<Path>, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    openat(CWD, path, flags, mode)
}

/// Opens a path from a folder.
pub fn openat(
    folder: impl AsFd,
    path: impl AsRef<Path>,
    flags: OFlags,
    _mode: Mode,
) -> Result<OwnedFd, Errno> {
    let access = if flags.contains(OFlags::DIRECTORY) {
        FOLDER_READ
    } else if flags.contains(OFlags::RDWR) || flags.contains(OFlags::WRONLY) {
        FILE_GENERIC_READ | FILE_GENERIC_WRITE
    } else {
        FILE_GENERIC_READ
    };
    let how = How {
        access,
        create: flags.contains(OFlags::CREATE),
        folder: flags.contains(OFlags::DIRECTORY),
    };
    let opened = at::open(folder.as_fd(), path.as_ref(), how)?;
    if !how.folder && is_folder(&opened)? {
        return Err(Errno::ISDIR);
    }
    Ok(opened)
}

/// Opens a path that cannot leave the folder.
pub fn openat2(
    folder: impl AsFd,
    path: impl AsRef<Path>,
    flags: OFlags,
    mode: Mode,
    _resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    openat(folder, path, flags, mode)
}

/// Makes a folder.
pub fn mkdirat(folder: impl AsFd, path: impl AsRef<Path>, _mode: Mode) -> Result<(), Errno> {
    let how = How { access: LOOK, create: true, folder: true };
    at::open(folder.as_fd(), path.as_ref(), how).map(drop)
}

/// A link's target: none is made here, and those of others are not read.
pub fn readlinkat(
    _folder: impl AsFd,
    _path: impl AsRef<Path>,
    _reuse: Vec<u8>,
) -> Result<std::ffi::CString, Errno> {
    Err(Errno::NOTSUP)
}
