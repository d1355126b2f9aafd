//! Opening beneath an open folder: the object manager takes no `..`, and no link is followed.

use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::path::Path;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DIRECTORY_FILE, FILE_OPEN, FILE_OPEN_FOR_BACKUP_INTENT,
    FILE_OPEN_REPARSE_POINT, FILE_SYNCHRONOUS_IO_NONALERT, NtCreateFile,
};
use windows_sys::Win32::Foundation::{
    HANDLE, INVALID_HANDLE_VALUE, OBJ_CASE_INSENSITIVE, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::super::text::wide;
use super::errno::{Errno, checked};
use super::fd::BorrowedFd;

/// Everything may be done to it by others, as on Linux.
const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
/// `OBJ_DONT_REPARSE`: an error where a link would be followed.
const DONT_REPARSE: u32 = 0x1000;

/// How something is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) access: u32,
    /// It must not be there, or must be there.
    pub(super) create: bool,
    /// It must be a folder; else it may be either.
    pub(super) folder: bool,
}

/// Opens `path` from `root`.
pub(super) fn open(root: BorrowedFd<'_>, path: &Path, how: How) -> Result<OwnedHandle, Errno> {
    match root.raw() {
        Some(root) => beneath(root, path, how),
        None => from_here(path, how),
    }
}

fn beneath(root: HANDLE, path: &Path, how: How) -> Result<OwnedHandle, Errno> {
    let text = path.as_os_str();
    // The folder itself has an empty name beneath itself.
    let mut name = if text == "." { Vec::new() } else { wide(text) };
    name.pop();
    name.iter_mut()
        .filter(|unit| **unit == u16::from(b'/'))
        .for_each(|unit| *unit = u16::from(b'\\'));
    if name.split(|unit| *unit == u16::from(b'\\')).any(|part| part == [u16::from(b'.'); 2]) {
        return Err(Errno::XDEV);
    }
    let bytes = u16::try_from(name.len() * 2).map_err(|_| Errno::INVAL)?;
    let unicode = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: name.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).expect("a small structure"),
        RootDirectory: root,
        ObjectName: &raw const unicode,
        Attributes: OBJ_CASE_INSENSITIVE | DONT_REPARSE,
        SecurityDescriptor: std::ptr::null(),
        SecurityQualityOfService: std::ptr::null(),
    };
    let kind = if how.folder { FILE_DIRECTORY_FILE } else { 0 };
    let mut handle = INVALID_HANDLE_VALUE;
    let mut status = IO_STATUS_BLOCK::default();
    // SAFETY: name and attributes live through the call, and the results have places.
    let done = unsafe {
        NtCreateFile(
            &raw mut handle,
            how.access,
            &raw const attributes,
            &raw mut status,
            std::ptr::null(),
            FILE_ATTRIBUTE_NORMAL,
            SHARED,
            if how.create { FILE_CREATE } else { FILE_OPEN },
            kind | FILE_OPEN_REPARSE_POINT
                | FILE_OPEN_FOR_BACKUP_INTENT
                | FILE_SYNCHRONOUS_IO_NONALERT,
            std::ptr::null(),
            0,
        )
    };
    checked(done)?;
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn from_here(path: &Path, how: How) -> Result<OwnedHandle, Errno> {
    let name = wide(path);
    if how.create && how.folder {
        // SAFETY: the name ends with a zero.
        if unsafe { CreateDirectoryW(name.as_ptr(), std::ptr::null()) } == 0 {
            return Err(Errno::last());
        }
    }
    let is_new = how.create && !how.folder;
    // SAFETY: as above.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            how.access,
            SHARED,
            std::ptr::null(),
            if is_new { CREATE_NEW } else { OPEN_EXISTING },
            FILE_FLAG_BACKUP_SEMANTICS,
            std::ptr::null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(Errno::last());
    }
    // SAFETY: the handle is new and nobody else's.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    if how.folder && !super::fs::is_folder(&handle)? {
        return Err(Errno::NOTDIR);
    }
    Ok(handle)
}
