//! UTF-16 text.

/// With a zero at the end.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Up to the first zero, or all of it.
pub(super) fn narrow(units: &[u16]) -> String {
    let end = units.iter().position(|&unit| unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}

/// Up to the first zero.
///
/// # Safety
///
/// `text` points to zero-terminated text.
pub(super) unsafe fn narrow_ptr(text: *const u16) -> String {
    let mut len = 0;
    // SAFETY: up to and with the zero the text is readable.
    while unsafe { *text.add(len) } != 0 {
        len += 1;
    }
    // SAFETY: just measured.
    String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, len) })
}
