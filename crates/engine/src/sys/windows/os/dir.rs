//! What is in an open folder.

use std::ffi::{CStr, CString};
use std::os::windows::io::AsRawHandle as _;

use windows_sys::Win32::Foundation::ERROR_NO_MORE_FILES;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ID_BOTH_DIR_INFO, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
    GetFileInformationByHandleEx,
};

use super::at::{self, How};
use super::errno::Errno;
use super::fd::{AsFd, OwnedFd};
use super::fs::{FOLDER_READ, FileType};

/// Bytes of names that one call may give.
const SPACE: usize = 64 << 10;

/// The entries of a folder.
#[derive(Debug)]
pub struct Dir {
    folder: OwnedFd,
    found: std::vec::IntoIter<DirEntry>,
    begun: bool,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct DirEntry {
    name: CString,
    kind: FileType,
}

impl DirEntry {
    /// Its name; what is not Unicode in it is replaced.
    pub fn file_name(&self) -> &CStr {
        &self.name
    }

    /// What it is.
    pub fn file_type(&self) -> FileType {
        self.kind
    }
}

impl Dir {
    /// The entries of this folder.
    pub fn new(folder: OwnedFd) -> Result<Self, Errno> {
        Ok(Self { folder, found: Vec::new().into_iter(), begun: false })
    }

    /// The entries of a folder that stays the caller's.
    pub fn read_from(folder: impl AsFd) -> Result<Self, Errno> {
        let how = How { access: FOLDER_READ, create: false, folder: true };
        Self::new(at::open(folder.as_fd(), ".".as_ref(), how)?)
    }

    /// Asks for more; `false` when that was all.
    fn fill(&mut self) -> Result<bool, Errno> {
        let class =
            if self.begun { FileIdBothDirectoryInfo } else { FileIdBothDirectoryRestartInfo };
        self.begun = true;
        let mut space = vec![0_u64; SPACE / 8];
        // SAFETY: the space is aligned, and as large as it is said to be.
        let done = unsafe {
            GetFileInformationByHandleEx(
                self.folder.as_raw_handle(),
                class,
                space.as_mut_ptr().cast(),
                u32::try_from(SPACE).expect("64 KiB"),
            )
        };
        if done == 0 {
            let error = std::io::Error::last_os_error();
            let is_end = error.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed());
            return if is_end { Ok(false) } else { Err(Errno::last()) };
        }
        self.found = entries(&space).into_iter();
        Ok(true)
    }
}

#[expect(clippy::cast_ptr_alignment, reason = "each entry is aligned to eight")]
fn entries(space: &[u64]) -> Vec<DirEntry> {
    let mut entries = Vec::new();
    let base = space.as_ptr().cast::<u8>();
    let mut at = 0;
    loop {
        // SAFETY: Windows wrote a chain of whole entries into the space, each aligned to eight.
        let (entry, name) = unsafe {
            let entry = &*base.add(at).cast::<FILE_ID_BOTH_DIR_INFO>();
            let length = entry.FileNameLength as usize / 2;
            (entry, std::slice::from_raw_parts(entry.FileName.as_ptr(), length))
        };
        if let Ok(name) = CString::new(String::from_utf16_lossy(name)) {
            entries.push(DirEntry { name, kind: FileType::of_attributes(entry.FileAttributes) });
        }
        if entry.NextEntryOffset == 0 {
            return entries;
        }
        at += entry.NextEntryOffset as usize;
    }
}

impl Iterator for Dir {
    type Item = Result<DirEntry, Errno>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.found.next() {
                return Some(Ok(entry));
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
