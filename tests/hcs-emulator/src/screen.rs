//! The console that this program is on.

#![expect(unsafe_code, reason = "Windows calls")]

use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, GetConsoleScreenBufferInfo, GetStdHandle, STD_OUTPUT_HANDLE,
};

/// Its lines and columns; `None` when stdout is no console.
pub fn size() -> Option<(i16, i16)> {
    let mut about = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the answer has a place.
    let done =
        unsafe { GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &raw mut about) };
    let window = about.srWindow;
    (done != 0).then_some((window.Bottom - window.Top + 1, window.Right - window.Left + 1))
}
