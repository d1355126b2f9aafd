//! Locks on whole files.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_DELETE_ON_CLOSE, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
    LockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::super::errno::Errno;
use super::super::fd::AsFd;

/// How a file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlockOperation {
    /// With others that share it.
    LockShared,
    /// Alone.
    LockExclusive,
    /// Alone, or not at all.
    NonBlockingLockExclusive,
}

/// Locks a file until it is closed.
pub fn flock(file: impl AsFd, how: FlockOperation) -> Result<(), Errno> {
    let handle = file.as_fd().raw().ok_or(Errno::INVAL)?;
    let flags = match how {
        FlockOperation::LockShared => 0,
        FlockOperation::LockExclusive => LOCKFILE_EXCLUSIVE_LOCK,
        FlockOperation::NonBlockingLockExclusive => {
            LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY
        }
    };
    let mut overlapped = OVERLAPPED::default();
    // Windows keeps others from what is locked: a byte where no file has one keeps nobody.
    overlapped.Anonymous.Anonymous.Offset = u32::MAX - 1;
    overlapped.Anonymous.Anonymous.OffsetHigh = i32::MAX.cast_unsigned();
    // SAFETY: the handle is open for waiting, so that the structure is not needed after the call.
    let done = unsafe { LockFileEx(handle, flags, 0, 1, 0, &raw mut overlapped) };
    if done == 0 { Err(Errno::last()) } else { Ok(()) }
}

/// Takes a file or folder that is in the making; `None` when its maker is alive. Folders cannot be
/// locked: a file beside it, which goes with its holder, stands for one.
pub fn own(path: &Path) -> io::Result<Option<File>> {
    if path.is_dir() {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".own");
        let mut options = OpenOptions::new();
        options.write(true).create(true).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        return match options.access_mode(GENERIC_WRITE | DELETE).open(beside) {
            Err(error) if error.raw_os_error() == Some(IN_USE) => Ok(None),
            other => other.map(Some),
        };
    }
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `ERROR_SHARING_VIOLATION`.
const IN_USE: i32 = 32;

/// NTFS writes its names down by itself.
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Windows begins by itself.
pub fn begin_writing(_file: &File, _from: u64, _length: u64) {}
