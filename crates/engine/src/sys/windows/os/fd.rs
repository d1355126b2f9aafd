//! Open files and folders.

use std::os::windows::io::AsHandle;

pub use std::os::windows::io::OwnedHandle as OwnedFd;

use std::os::windows::io::AsRawHandle as _;
use windows_sys::Win32::Foundation::HANDLE;

/// An open file or folder, borrowed; or where the process is, which is not open.
#[derive(Debug, Clone, Copy)]
pub struct BorrowedFd<'a> {
    handle: Option<std::os::windows::io::BorrowedHandle<'a>>,
}

impl BorrowedFd<'_> {
    /// Paths from here are the process' own.
    pub(super) const CWD: Self = Self { handle: None };

    pub(super) fn raw(self) -> Option<HANDLE> {
        self.handle.map(|handle| handle.as_raw_handle())
    }
}

/// Something open.
pub trait AsFd {
    /// Lends it.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsHandle> AsFd for T {
    fn as_fd(&self) -> BorrowedFd<'_> {
        BorrowedFd { handle: Some(self.as_handle()) }
    }
}

impl AsFd for BorrowedFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        *self
    }
}
