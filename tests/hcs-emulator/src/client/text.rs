//! UTF-16 from and to C.

use windows_sys::Win32::System::Memory::{GetProcessHeap, HeapAlloc};

/// A string of C's; empty when there is none.
///
/// # Safety
///
/// `text` is null, or ends with a zero.
pub unsafe fn read(text: *const u16) -> String {
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

/// With the closing zero.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Gives a string out, if somebody wants it; it is freed with `LocalFree` or `CoTaskMemFree`, which
/// are both the process' heap. Nothing is null.
///
/// # Safety
///
/// `place` is null, or a place for a pointer.
pub unsafe fn give(place: *mut *mut u16, text: &str) {
    if place.is_null() {
        return;
    }
    let mut given = std::ptr::null_mut();
    if !text.is_empty() {
        let text = wide(text);
        // SAFETY: the heap is the process'; the copy is of what was allocated.
        unsafe {
            given = HeapAlloc(GetProcessHeap(), 0, size_of_val(&text[..])).cast::<u16>();
            if !given.is_null() {
                std::ptr::copy_nonoverlapping(text.as_ptr(), given, text.len());
            }
        }
    }
    // SAFETY: the caller promises the place.
    unsafe { *place = given };
}
