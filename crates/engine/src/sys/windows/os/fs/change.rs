//! Changing names, links, times and attributes.

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::path::Path;

use windows_sys::Wdk::Storage::FileSystem::{
    FILE_INFORMATION_CLASS, FileLinkInformation, FileRenameInformation, NtSetInformationFile,
};
use windows_sys::Win32::Foundation::{FILETIME, HANDLE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM,
    FILE_BASIC_INFO, FILE_DISPOSITION_INFO, FILE_WRITE_ATTRIBUTES, FileBasicInfo,
    FileDispositionInfo, GetFileInformationByHandleEx, SetFileInformationByHandle, SetFileTime,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::super::at::{self, How};
use super::super::errno::{Errno, checked};
use super::super::fd::AsFd;
use super::flags::{AtFlags, FileType, Mode, XattrFlags};
use super::stat::to_filetime;
use super::{LOOK, MOVE};

/// A moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timespec {
    /// Since 1970.
    pub tv_sec: i64,
    /// And nanoseconds.
    pub tv_nsec: i64,
}

/// Of a file.
#[derive(Debug, Clone, Default)]
pub struct Timestamps {
    /// It was read.
    pub last_access: Timespec,
    /// It was written.
    pub last_modification: Timespec,
}

/// The attribute that samba keeps Windows' own in, and its value's beginning.
const ATTRIBUTES: &str = "user.DOSATTRIB";
/// What may be set of a file's attributes.
const SETTABLE: u32 = FILE_ATTRIBUTE_READONLY
    | FILE_ATTRIBUTE_HIDDEN
    | FILE_ATTRIBUTE_SYSTEM
    | FILE_ATTRIBUTE_ARCHIVE;

fn opened(folder: impl AsFd, path: impl AsRef<Path>, access: u32) -> Result<OwnedHandle, Errno> {
    at::open(folder.as_fd(), path.as_ref(), How { access, create: false, folder: false })
}

/// Gives something another name; what had it is replaced.
pub fn renameat(
    from: impl AsFd,
    old: impl AsRef<Path>,
    to: impl AsFd,
    new: impl AsRef<Path>,
) -> Result<(), Errno> {
    name_it(&opened(from, old, MOVE)?, to, new.as_ref(), FileRenameInformation, true)
}

/// Gives a file one more name, which must be free.
pub fn linkat(
    from: impl AsFd,
    old: impl AsRef<Path>,
    to: impl AsFd,
    new: impl AsRef<Path>,
    _flags: AtFlags,
) -> Result<(), Errno> {
    let file = opened(from, old, FILE_WRITE_ATTRIBUTES | LOOK)?;
    name_it(&file, to, new.as_ref(), FileLinkInformation, false)
}

/// `FILE_RENAME_INFORMATION` and `FILE_LINK_INFORMATION` are alike: a flag, a folder, a name.
fn name_it(
    file: &OwnedHandle,
    folder: impl AsFd,
    name: &Path,
    class: FILE_INFORMATION_CLASS,
    replace: bool,
) -> Result<(), Errno> {
    let root = folder.as_fd().raw().ok_or(Errno::INVAL)?;
    let name: Vec<u16> = OsStr::encode_wide(name.as_os_str()).collect();
    if name.iter().any(|unit| [u16::from(b'/'), u16::from(b'\\')].contains(unit)) {
        return Err(Errno::INVAL);
    }
    let length = name.len() * 2;
    let mut space = vec![0_u64; 3 + length.div_ceil(8)];
    space[0] = u64::from(replace);
    space[1] = root.addr() as u64;
    space[2] = length as u64;
    let start = space.as_mut_ptr().cast::<u8>();
    let mut status = IO_STATUS_BLOCK::default();
    // SAFETY: the name goes behind the length's four bytes, and fits; the handle is open.
    let done = unsafe {
        start.add(20).copy_from_nonoverlapping(name.as_ptr().cast(), length);
        NtSetInformationFile(
            file.as_raw_handle(),
            &raw mut status,
            start.cast(),
            u32::try_from(space.len() * 8).map_err(|_| Errno::INVAL)?,
            class,
        )
    };
    checked(done)
}

/// Takes a file's name away.
pub fn unlinkat(folder: impl AsFd, path: impl AsRef<Path>, _flags: AtFlags) -> Result<(), Errno> {
    let file = opened(folder, path, MOVE)?;
    if super::is_folder(&file)? {
        return Err(Errno::ISDIR);
    }
    let gone = FILE_DISPOSITION_INFO { DeleteFile: true };
    set(file.as_raw_handle(), FileDispositionInfo, &gone)
}

pub(super) fn set<T>(file: HANDLE, class: i32, value: &T) -> Result<(), Errno> {
    let size = u32::try_from(size_of::<T>()).expect("a small structure");
    // SAFETY: the value is what its class wants, and as large as it is said to be.
    let done =
        unsafe { SetFileInformationByHandle(file, class, std::ptr::from_ref(value).cast(), size) };
    if done == 0 { Err(Errno::last()) } else { Ok(()) }
}

/// Links within a layer need a right that few have, and mean another thing in a container.
pub fn symlinkat(
    _target: impl AsRef<Path>,
    _folder: impl AsFd,
    _path: impl AsRef<Path>,
) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// NTFS has no such nodes.
pub fn mknodat(
    _folder: impl AsFd,
    _path: impl AsRef<Path>,
    _kind: FileType,
    _mode: Mode,
    _device: u64,
) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// Passed over: what may be done with a file is inherited from its folder.
pub fn fchmod(_file: impl AsFd, _mode: Mode) -> Result<(), Errno> {
    Ok(())
}

/// Sets a file's times.
pub fn futimens(file: impl AsFd, times: &Timestamps) -> Result<(), Errno> {
    let handle = file.as_fd().raw().ok_or(Errno::INVAL)?;
    let time = |time: Timespec| to_filetime(time.tv_sec, time.tv_nsec);
    let (accessed, written): (FILETIME, FILETIME) =
        (time(times.last_access), time(times.last_modification));
    // SAFETY: the handle is open and the times are whole.
    let done =
        unsafe { SetFileTime(handle, std::ptr::null(), &raw const accessed, &raw const written) };
    if done == 0 { Err(Errno::last()) } else { Ok(()) }
}

/// Sets the times of a name in a folder.
pub fn utimensat(
    folder: impl AsFd,
    path: impl AsRef<Path>,
    times: &Timestamps,
    _flags: AtFlags,
) -> Result<(), Errno> {
    futimens(opened(folder, path, FILE_WRITE_ATTRIBUTES | LOOK)?, times)
}

/// Windows' own attributes; no other attribute is kept here.
pub fn fsetxattr(
    file: impl AsFd,
    name: &str,
    value: &[u8],
    _flags: XattrFlags,
) -> Result<(), Errno> {
    let handle = file.as_fd().raw().ok_or(Errno::INVAL)?;
    if name != ATTRIBUTES {
        return Err(Errno::NOTSUP);
    }
    let text = std::str::from_utf8(value).map_err(|_| Errno::INVAL)?.trim_end_matches('\0');
    let digits = text.strip_prefix("0x").ok_or(Errno::INVAL)?;
    let wanted = u32::from_str_radix(digits, 16).map_err(|_| Errno::INVAL)?;
    let mut basic = FILE_BASIC_INFO::default();
    let size = u32::try_from(size_of::<FILE_BASIC_INFO>()).expect("a small structure");
    // SAFETY: the handle is open, and the answer has a place of its size.
    let done = unsafe {
        GetFileInformationByHandleEx(handle, FileBasicInfo, (&raw mut basic).cast(), size)
    };
    if done == 0 {
        return Err(Errno::last());
    }
    basic.FileAttributes = basic.FileAttributes & !SETTABLE | wanted & SETTABLE;
    set(handle, FileBasicInfo, &basic)
}

/// As [`fsetxattr`].
pub fn setxattr(
    _path: impl AsRef<Path>,
    _name: &str,
    _value: &[u8],
    _flags: XattrFlags,
) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// None is kept here.
pub fn fgetxattr(_file: impl AsFd, _name: &str, _value: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::NODATA)
}

/// None is kept here.
pub fn lgetxattr(_path: impl AsRef<Path>, _name: &str, _value: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::NODATA)
}

/// None is kept here.
pub fn getxattr(path: impl AsRef<Path>, name: &str, value: &mut [u8]) -> Result<usize, Errno> {
    lgetxattr(path, name, value)
}

/// NTFS shares no blocks between files: the caller copies.
pub fn ioctl_ficlone(_to: impl AsFd, _from: impl AsFd) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}
