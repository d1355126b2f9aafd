//! Files and folders beneath open folders: `rustix`'s, and what they are.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{Advice, fadvise};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

pub use rustix::fs::{
    AtFlags, CWD, Dir, DirEntry, FileType, FlockOperation, Mode, OFlags, ResolveFlags, Stat,
    Timespec, Timestamps, XattrFlags, fchmod, fgetxattr, flock, fsetxattr, fstat, futimens,
    getxattr, ioctl_ficlone, lgetxattr, linkat, mkdirat, mknodat, open, openat, openat2,
    readlinkat, renameat, setxattr, statat, symlinkat, unlinkat, utimensat,
};

/// The device and the file on it.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|about| (about.dev(), about.ino()))
}

/// Of whatever is at a path.
pub fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|about| (about.dev(), about.ino()))
}

/// An open file still has a name.
pub fn is_linked(file: &File) -> io::Result<bool> {
    file.metadata().map(|about| about.nlink() > 0)
}

/// Takes a file or folder that is in the making; `None` when its maker is alive.
pub fn own(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives a file to the account that another is of; who may not give files away keeps it.
pub fn give_as(file: &File, other: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    // Not every file system knows accounts; one that does not has nothing to change.
    if (now.uid(), now.gid()) == (other.uid(), other.gid()) {
        return Ok(());
    }
    match std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid())) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Has a folder's names on the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Has the kernel begin to write a part of a file to its disk, and waits for none of it.
pub fn begin_writing(file: &File, from: u64, length: u64) {
    // The advice is to be rid of it, which begins so. What is on its way stays in memory.
    let _ = fadvise(file, from, NonZeroU64::new(length), Advice::DontNeed);
}

/// Whether something can be made in a folder.
pub fn is_writable(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?)
}

/// Bytes that are free where a folder is.
pub fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    // Some file systems do not count.
    (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
}

/// Makes a folder, and those above it, for root alone.
pub fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes an empty folder in memory, for what must not get on a disk.
pub fn make_volatile(folder: &Path) -> io::Result<()> {
    remove_volatile(folder)?;
    make_private(folder)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("tmpfs", folder, "tmpfs", flags, c"mode=0700,size=64m")?)
}

/// Takes it away with what is in it; one that is gone is a success.
pub fn remove_volatile(folder: &Path) -> io::Result<()> {
    match unmount(folder, UnmountFlags::DETACH) {
        Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
