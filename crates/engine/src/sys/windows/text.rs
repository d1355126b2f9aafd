//! UTF-16 to and from Windows.

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;

use windows_sys::Win32::Foundation::LocalFree;

/// With the closing zero.
pub(super) fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// A string that Windows keeps.
///
/// # Safety
///
/// `text` is null, or ends with a zero.
pub(super) unsafe fn read(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut length = 0;
    // SAFETY: the caller promises a closing zero.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: so many characters were just read.
    String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) })
}

/// A string that Windows gave away: copied, and freed.
///
/// # Safety
///
/// `text` is null, or ends with a zero and is the caller's to free.
pub(super) unsafe fn take(text: *mut u16) -> String {
    // SAFETY: as the caller promises; a null is nothing to free.
    unsafe {
        let copy = read(text);
        if !text.is_null() {
            LocalFree(text.cast());
        }
        copy
    }
}
