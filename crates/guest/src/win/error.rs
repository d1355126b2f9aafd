//! Windows errors with their words.

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{GetLastError, RtlNtStatusToDosError};
use windows_sys::Win32::System::Diagnostics::Debug::{
    FORMAT_MESSAGE_FROM_SYSTEM, FORMAT_MESSAGE_IGNORE_INSERTS, FormatMessageW,
};

use super::text::narrow;

/// A call's error while `doing` something.
pub(super) fn failure(code: u32, doing: &str) -> Failure {
    Failure { code, message: format!("{doing}: {}", words(code)) }
}

/// The last call's error while `doing` something.
pub(super) fn last(doing: &str) -> Failure {
    failure(last_code(), doing)
}

/// The last call's error.
pub(super) fn last_code() -> u32 {
    // SAFETY: reads this thread's last error.
    unsafe { GetLastError() }
}

/// A native call's status as an error.
pub(super) fn from_status(status: i32, doing: &str) -> Failure {
    // SAFETY: translates a number.
    failure(unsafe { RtlNtStatusToDosError(status) }, doing)
}

/// Windows' own words for the errors that a user meets, where Wine's are terser; the system's for
/// the others.
fn words(code: u32) -> String {
    match code {
        2 => "The system cannot find the file specified.".into(),
        3 => "The system cannot find the path specified.".into(),
        5 => "Access is denied.".into(),
        87 => "The parameter is incorrect.".into(),
        193 => "It is not a valid Win32 application.".into(),
        267 => "The directory name is invalid.".into(),
        1168 => "Element not found.".into(),
        1332 => "No mapping between account names and security IDs was done.".into(),
        other => system_words(other),
    }
}

fn system_words(code: u32) -> String {
    let mut buffer = [0u16; 512];
    // SAFETY: the buffer and its length belong together; no inserts are read.
    let len = unsafe {
        FormatMessageW(
            FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
            std::ptr::null(),
            code,
            0,
            buffer.as_mut_ptr(),
            512,
            std::ptr::null(),
        )
    };
    let text = narrow(&buffer[..len as usize]);
    let text = text.trim();
    if text.is_empty() { format!("Windows error {code}") } else { text.to_owned() }
}
