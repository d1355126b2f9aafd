//! Giving a file all that a backup of it says, and taking one away whatever it is.
//!
//! What `BackupWrite` does with a stream of bytes is done here call by call: the same form need not
//! be written and read again, and each refusal says what was refused.

use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};

use windows_sys::Wdk::Storage::FileSystem::NtSetEaFile;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::Security::SetKernelObjectSecurity;
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY, FILE_BASIC_INFO, FILE_DISPOSITION_INFO,
    FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA, FILE_WRITE_EA, FileBasicInfo,
    FileDispositionInfo, SYNCHRONIZE, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, IO_STATUS_BLOCK};

use super::super::at::{self, How};
use super::super::errno::{Errno, checked};
use super::super::fd::BorrowedFd;
use super::Timespec;
use super::change::set;
use super::descriptor;
use super::stat::{about, to_filetime};
use crate::layering::Restored;

const ACCESS_SYSTEM_SECURITY: u32 = 0x0100_0000;
const FSCTL_SET_REPARSE_POINT: u32 = 0x0009_00A4;

/// Gives what is at `path` all of this. What it points at, if it is a link, is not touched.
pub(in crate::sys) fn restore(
    root: BorrowedFd<'_>,
    path: &str,
    to: &Restored<'_>,
) -> io::Result<()> {
    let security = to.security.map(descriptor::checked).transpose()?;
    let mut access = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;
    for (is_wanted, more) in [
        (to.extended.is_some(), FILE_WRITE_EA),
        (to.reparse.is_some(), FILE_WRITE_DATA),
        (security.is_some(), WRITE_DAC | WRITE_OWNER),
        (security.as_ref().is_some_and(descriptor::Parts::audits), ACCESS_SYSTEM_SECURITY),
    ] {
        access |= if is_wanted { more } else { 0 };
    }
    let file = open(root, path, access)?;
    if let Some(list) = to.extended {
        set_extended(&file, list).map_err(|e| of("extended attributes", e))?;
    }
    for (name, data) in to.streams {
        write_stream(root, path, name, data).map_err(|e| of("an alternate data stream", e))?;
    }
    if let Some(data) = to.reparse {
        set_reparse(&file, data).map_err(|e| of("a link's target", e))?;
    }
    if let Some(parts) = security {
        set_security(&file, &parts).map_err(|e| of("a security descriptor", e))?;
    }
    Ok(set(file.as_raw_handle(), FileBasicInfo, &basic(to))?)
}

fn of(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn open(root: BorrowedFd<'_>, path: &str, access: u32) -> Result<OwnedHandle, Errno> {
    at::open(root, path.as_ref(), How { access, create: false, folder: false })
}

fn set_extended(file: &OwnedHandle, list: &[u8]) -> io::Result<()> {
    let mut status = IO_STATUS_BLOCK::default();
    let length = u32::try_from(list.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the list is as long as it is said to be, and the status has a place.
    let done =
        unsafe { NtSetEaFile(file.as_raw_handle(), &raw mut status, list.as_ptr().cast(), length) };
    Ok(checked(done)?)
}

fn write_stream(root: BorrowedFd<'_>, path: &str, name: &str, data: &[u8]) -> io::Result<()> {
    let how = How { access: FILE_WRITE_DATA | SYNCHRONIZE, create: true, folder: false };
    let stream = at::open(root, format!("{path}:{name}").as_ref(), how)?;
    io::Write::write_all(&mut std::fs::File::from(stream), data)
}

fn set_reparse(file: &OwnedHandle, data: &[u8]) -> io::Result<()> {
    let (none, mut told) = (std::ptr::null_mut(), 0);
    let length = u32::try_from(data.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the data is as long as it is said to be, and nothing comes back.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            FSCTL_SET_REPARSE_POINT,
            data.as_ptr().cast(),
            length,
            none,
            0,
            &raw mut told,
            none.cast(),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set_security(file: &OwnedHandle, parts: &descriptor::Parts) -> io::Result<()> {
    let bytes = parts.bytes.as_ptr().cast_mut().cast();
    // SAFETY: every part of the descriptor lies within its bytes, which are aligned to four.
    let done = unsafe { SetKernelObjectSecurity(file.as_raw_handle(), parts.which, bytes) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn basic(to: &Restored<'_>) -> FILE_BASIC_INFO {
    let time = |time: Timespec| {
        let FILETIME { dwLowDateTime: low, dwHighDateTime: high } =
            to_filetime(time.tv_sec, time.tv_nsec);
        i64::from(high) << 32 | i64::from(low)
    };
    FILE_BASIC_INFO {
        CreationTime: time(to.created),
        LastAccessTime: time(to.accessed),
        LastWriteTime: time(to.written),
        ChangeTime: time(to.changed),
        // Zero would leave them as they are.
        FileAttributes: if to.attributes == 0 { FILE_ATTRIBUTE_NORMAL } else { to.attributes },
    }
}

/// Takes a file, a link or an empty folder away, also a read-only one; one that is not there is a
/// success.
pub(in crate::sys) fn remove(root: BorrowedFd<'_>, path: &str) -> io::Result<()> {
    let access = DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;
    let file = match open(root, path, access) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let attributes = about(file.as_raw_handle())?.dwFileAttributes;
    if attributes & FILE_ATTRIBUTE_READONLY != 0 {
        let kept = attributes & !FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_NORMAL;
        let writable = FILE_BASIC_INFO { FileAttributes: kept, ..FILE_BASIC_INFO::default() };
        set(file.as_raw_handle(), FileBasicInfo, &writable)?;
    }
    Ok(set(file.as_raw_handle(), FileDispositionInfo, &FILE_DISPOSITION_INFO { DeleteFile: true })?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::os::fd::AsFd as _;

    fn root(folder: &tempfile::TempDir) -> OwnedHandle {
        let how = super::super::OFlags::DIRECTORY;
        super::super::open(folder.path(), how, super::super::Mode::empty()).unwrap()
    }

    /// Administrators own it and may do everything, the system reads.
    fn descriptor() -> Vec<u8> {
        let text = "O:BAG:SYD:P(A;;FA;;;BA)(A;;FR;;;SY)";
        crate::layering::service().unwrap().descriptor(text).unwrap()
    }

    #[test]
    fn a_file_gets_its_times_attributes_and_security() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "a").unwrap();
        let written = Timespec { tv_sec: 1_600_000_000, tv_nsec: 500_000_000 };
        let security = descriptor();
        let to = Restored {
            attributes: FILE_ATTRIBUTE_READONLY,
            created: written,
            accessed: written,
            written,
            changed: written,
            security: Some(&security),
            ..Restored::default()
        };
        let root = root(&folder);
        restore(root.as_fd(), "a.txt", &to).unwrap();
        let about = fs::metadata(folder.path().join("a.txt")).unwrap();
        assert!(about.permissions().readonly());
        let since = about.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_millis(), 1_600_000_000_500);
        remove(root.as_fd(), "a.txt").unwrap();
        remove(root.as_fd(), "a.txt").unwrap();
        assert!(!folder.path().join("a.txt").exists());
    }

    #[test]
    fn a_descriptor_that_points_out_of_itself_is_refused_and_nothing_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = root(&folder);
        let mut bad = descriptor();
        bad[4..8].copy_from_slice(&0xffff_u32.to_le_bytes());
        let to = Restored { security: Some(&bad), ..Restored::default() };
        let error = restore(root.as_fd(), "not-there", &to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}
