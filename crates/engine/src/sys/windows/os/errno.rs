//! Errors of file work, by what they mean.

use std::io;

use windows_sys::Win32::Foundation::{NTSTATUS, RtlNtStatusToDosError};

/// A Windows error; several that mean the same are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    /// Try again.
    pub const AGAIN: Self = Self(1237);
    /// It is there already.
    pub const EXIST: Self = Self(183);
    /// Not a valid argument.
    pub const INVAL: Self = Self(87);
    /// It was interrupted.
    pub const INTR: Self = Self(995);
    /// A folder where none is wanted.
    pub const ISDIR: Self = Self(336);
    /// A link where none is wanted.
    pub const LOOP: Self = Self(1921);
    /// More links than the file can have.
    pub const MLINK: Self = Self(1142);
    /// No such attribute.
    pub const NODATA: Self = Self(1168);
    /// There is no such file or folder.
    pub const NOENT: Self = Self(2);
    /// Not a folder.
    pub const NOTDIR: Self = Self(267);
    /// This file system does not have it.
    pub const NOTSUP: Self = Self(50);
    /// No such device.
    pub const NXIO: Self = Self(55);
    /// Not allowed.
    pub const PERM: Self = Self(5);
    /// Too much for the place given.
    pub const RANGE: Self = Self(122);
    /// Somebody else holds it.
    pub const WOULDBLOCK: Self = Self(33);
    /// Another volume.
    pub const XDEV: Self = Self(17);

    /// The error that the last call left.
    pub(super) fn last() -> Self {
        Self::of(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    pub(super) fn of(code: i32) -> Self {
        Self(match code {
            // A path, a bad name; a file that exists, a directory that exists.
            3 | 123 | 161 => 2,
            80 => 183,
            // `STATUS_REPARSE_POINT_ENCOUNTERED`.
            4395 => 1921,
            other => other,
        })
    }
}

/// What a native call gives, as a result.
pub(super) fn checked(status: NTSTATUS) -> Result<(), Errno> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: no pointers.
    let code = unsafe { RtlNtStatusToDosError(status) };
    Err(Errno::of(code.cast_signed()))
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        io::Error::from(*self).fmt(f)
    }
}

impl std::error::Error for Errno {}
