//! Control events, for the program that tests send them to.

#![expect(unsafe_code, reason = "a handler is called by Windows")]

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

/// What the program ends with, beside the event's number.
const FIRST: i32 = 100;

unsafe extern "system" fn heard(event: u32) -> i32 {
    std::process::exit(FIRST + event.cast_signed())
}

/// Ends this process at the first event.
///
/// # Panics
///
/// When Windows takes no handler.
pub fn listen() {
    // SAFETY: the handler is a function of this program's.
    let done = unsafe { SetConsoleCtrlHandler(Some(heard), 1) };
    assert_ne!(done, 0, "a handler is taken");
}
