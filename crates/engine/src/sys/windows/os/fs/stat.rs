//! What is known of a file.

use std::os::windows::io::{AsHandle, AsRawHandle as _};
use std::path::Path;

use windows_sys::Win32::Foundation::{FILETIME, HANDLE};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, GetDiskFreeSpaceExW,
    GetFileInformationByHandle,
};

use super::super::super::text::wide;
use super::super::at::{self, How};
use super::super::errno::Errno;
use super::super::fd::AsFd;
use super::flags::{AtFlags, FileType};
use super::{FOLDER_READ, LOOK};

/// What is known of a file, with the names that it has on Linux.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stat {
    /// The volume.
    pub st_dev: u64,
    /// The file on it.
    pub st_ino: u64,
    /// What it is, and permission bits for archives.
    pub st_mode: u32,
    /// Its names.
    pub st_nlink: u64,
    /// Of a device: there is none.
    pub st_rdev: u64,
    /// Bytes.
    pub st_size: i64,
    /// What it takes of the disk, in 512 bytes: as if it had no holes.
    pub st_blocks: i64,
    /// Seconds since 1970, of the last access.
    pub st_atime: i64,
    /// And nanoseconds.
    pub st_atime_nsec: u64,
    /// Seconds since 1970, of the last change.
    pub st_mtime: i64,
    /// And nanoseconds.
    pub st_mtime_nsec: u64,
}

/// From 1601 to 1970, in a tenth of microseconds.
const EPOCH: i64 = 116_444_736_000_000_000;
const SECOND: i64 = 10_000_000;

fn of_filetime(time: FILETIME) -> (i64, u64) {
    let ticks = (i64::from(time.dwHighDateTime) << 32 | i64::from(time.dwLowDateTime)) - EPOCH;
    let nanos = ticks.rem_euclid(SECOND) * 100;
    (ticks.div_euclid(SECOND), u64::try_from(nanos).expect("a remainder is not negative"))
}

pub(super) fn to_filetime(seconds: i64, nanos: i64) -> FILETIME {
    let ticks = seconds.saturating_mul(SECOND).saturating_add(nanos / 100).saturating_add(EPOCH);
    let ticks = ticks.max(0).cast_unsigned();
    let part = |ticks: u64| u32::try_from(ticks & 0xffff_ffff).expect("32 bits");
    FILETIME { dwLowDateTime: part(ticks), dwHighDateTime: part(ticks >> 32) }
}

pub(super) fn about(handle: HANDLE) -> Result<BY_HANDLE_FILE_INFORMATION, Errno> {
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the answer has a place.
    let done = unsafe { GetFileInformationByHandle(handle, &raw mut about) };
    if done == 0 { Err(Errno::last()) } else { Ok(about) }
}

pub(in super::super) fn is_folder(file: &impl AsHandle) -> Result<bool, Errno> {
    let about = about(file.as_handle().as_raw_handle())?;
    Ok(about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0)
}

/// What is known of something open.
pub fn fstat(file: impl AsFd) -> Result<Stat, Errno> {
    let handle = file.as_fd().raw().ok_or(Errno::INVAL)?;
    let about = about(handle)?;
    let high = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    let size = high(about.nFileSizeHigh, about.nFileSizeLow);
    let (accessed, written) =
        (of_filetime(about.ftLastAccessTime), of_filetime(about.ftLastWriteTime));
    Ok(Stat {
        st_dev: about.dwVolumeSerialNumber.into(),
        st_ino: high(about.nFileIndexHigh, about.nFileIndexLow),
        st_mode: FileType::of_attributes(about.dwFileAttributes).mode(),
        st_nlink: about.nNumberOfLinks.into(),
        st_rdev: 0,
        st_size: size.cast_signed(),
        st_blocks: size.div_ceil(512).cast_signed(),
        st_atime: accessed.0,
        st_atime_nsec: accessed.1,
        st_mtime: written.0,
        st_mtime_nsec: written.1,
    })
}

/// What is known of a name in a folder; a link is looked at itself.
pub fn statat(folder: impl AsFd, path: impl AsRef<Path>, _flags: AtFlags) -> Result<Stat, Errno> {
    let how = How { access: LOOK, create: false, folder: false };
    fstat(at::open(folder.as_fd(), path.as_ref(), how)?)
}

/// Whether something can be made in a folder.
pub fn is_writable(folder: &Path) -> std::io::Result<()> {
    let access = FOLDER_READ | windows_sys::Win32::Storage::FileSystem::FILE_GENERIC_WRITE;
    let how = How { access, create: false, folder: true };
    at::open(super::CWD, folder, how).map(drop).map_err(Into::into)
}

/// Bytes that are free where a folder is.
pub fn free_space(folder: &Path) -> Option<u64> {
    let mut free = 0;
    let name = wide(folder);
    // SAFETY: the name ends with a zero, and the answer has a place.
    let done = unsafe {
        GetDiskFreeSpaceExW(
            name.as_ptr(),
            &raw mut free,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    (done != 0).then_some(free)
}
