//! The guest's own console: the pty on which it was started for one process.

use schema::guest::Failure;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, COORD, GetConsoleScreenBufferInfo, GetStdHandle, SMALL_RECT,
    STD_OUTPUT_HANDLE, SetConsoleCtrlHandler, SetConsoleScreenBufferSize, SetConsoleWindowInfo,
};

use super::error;

/// Lets control events of the console pass this program by: they are for the process on it.
pub(super) fn ignore_events() {
    unsafe extern "system" fn handled(_event: u32) -> i32 {
        1
    }
    // SAFETY: the routine is there for as long as the program.
    unsafe { SetConsoleCtrlHandler(Some(handled), 1) };
}

/// Gives the console so many rows and columns.
pub(super) fn resize(height: u16, width: u16) -> Result<(), Failure> {
    let size = COORD { X: side(width, "columns")?, Y: side(height, "rows")? };
    // SAFETY: asks for a standard handle.
    let output = unsafe { GetStdHandle(STD_OUTPUT_HANDLE) };
    let old = size_of(output)?;
    // A buffer is never smaller than its window: what shrinks, shrinks the window first.
    show(output, COORD { X: old.X.min(size.X), Y: old.Y.min(size.Y) })?;
    // SAFETY: the handle is the console's.
    if unsafe { SetConsoleScreenBufferSize(output, size) } == 0 {
        return Err(error::last("resizing the console's buffer"));
    }
    show(output, size)
}

fn side(length: u16, what: &str) -> Result<i16, Failure> {
    i16::try_from(length).ok().filter(|&length| length > 0).ok_or_else(|| Failure {
        code: 87,
        message: format!("a console cannot have {length} {what}"),
    })
}

fn size_of(output: HANDLE) -> Result<COORD, Failure> {
    // SAFETY: all of its fields may be zero; the call fills it.
    let (ok, info) = unsafe {
        let mut info: CONSOLE_SCREEN_BUFFER_INFO = std::mem::zeroed();
        (GetConsoleScreenBufferInfo(output, &raw mut info), info)
    };
    if ok == 0 { Err(error::last("this process has no console")) } else { Ok(info.dwSize) }
}

fn show(output: HANDLE, size: COORD) -> Result<(), Failure> {
    let window = SMALL_RECT { Left: 0, Top: 0, Right: size.X - 1, Bottom: size.Y - 1 };
    // SAFETY: the handle is the console's, the window lives for the call.
    if unsafe { SetConsoleWindowInfo(output, 1, &raw const window) } == 0 {
        return Err(error::last("resizing the console's window"));
    }
    Ok(())
}
