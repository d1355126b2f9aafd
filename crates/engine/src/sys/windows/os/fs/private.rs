//! Folders that only administrators and the system see.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;

use super::super::super::access::Access;
use super::super::super::text::wide;

/// Makes a folder, and those above it, for the privileged alone. One that is there stays as it is.
pub fn make_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_private(above)?;
    }
    let access = Access::administrators_folder()?;
    let attributes = access.attributes();
    let name = wide(folder);
    // SAFETY: the name ends with a zero, and the attributes live through the call.
    let done = unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) };
    match (done, io::Error::last_os_error()) {
        (0, error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes an empty folder for what must not outlive the container. Windows has no file system in
/// memory: it is a private one on disk.
pub fn make_volatile(folder: &Path) -> io::Result<()> {
    remove_volatile(folder)?;
    make_private(folder)
}

/// Takes it away with what is in it; one that is gone is a success.
pub fn remove_volatile(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives a file to the account that another is of: its folder's access list, which says who may what
/// with the other, has gone on to it when it was made.
pub fn give_as(_file: &File, _other: &Metadata) -> io::Result<()> {
    Ok(())
}
