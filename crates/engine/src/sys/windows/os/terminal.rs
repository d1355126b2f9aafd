//! The console that this program is on.

use std::io::{self, IsTerminal as _};
use std::os::windows::io::AsRawHandle as _;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, CONSOLE_SCREEN_BUFFER_INFO, ENABLE_PROCESSED_OUTPUT,
    ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode,
    GetConsoleScreenBufferInfo, SetConsoleMode,
};

/// The console in raw mode; put back as it was when dropped.
#[derive(Debug)]
pub struct RawTerminal {
    input: CONSOLE_MODE,
    output: Option<CONSOLE_MODE>,
}

fn mode(handle: HANDLE) -> Option<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the handle is this process' own, and the mode has a place.
    (unsafe { GetConsoleMode(handle, &raw mut mode) } != 0).then_some(mode)
}

fn set(handle: HANDLE, mode: CONSOLE_MODE) -> io::Result<()> {
    // SAFETY: the handle is this process' own.
    let done = unsafe { SetConsoleMode(handle, mode) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn stdin() -> HANDLE {
    io::stdin().as_raw_handle()
}

fn stdout() -> HANDLE {
    io::stdout().as_raw_handle()
}

impl RawTerminal {
    /// Makes it raw: keys and colours go through as a terminal's sequences. `None` when stdin is no
    /// console.
    pub fn enter() -> io::Result<Option<Self>> {
        let Some(input) = io::stdin().is_terminal().then(|| mode(stdin())).flatten() else {
            return Ok(None);
        };
        let output = mode(stdout());
        set(stdin(), ENABLE_VIRTUAL_TERMINAL_INPUT)?;
        if let Some(output) = output {
            let wanted = output | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
            // An old console shows the sequences as they are.
            set(stdout(), wanted).ok();
        }
        Ok(Some(Self { input, output }))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A console that is gone needs no mending, and there is nobody left to tell.
        set(stdin(), self.input).ok();
        if let Some(output) = self.output {
            set(stdout(), output).ok();
        }
    }
}

/// Rows and columns of the console that output goes to.
pub fn size() -> Option<(u16, u16)> {
    of(stdout())
}

/// Of the one that errors go to.
pub fn size_of_stderr() -> Option<(u16, u16)> {
    of(io::stderr().as_raw_handle())
}

fn of(handle: HANDLE) -> Option<(u16, u16)> {
    let mut about = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the answer has a place.
    let done = unsafe { GetConsoleScreenBufferInfo(handle, &raw mut about) };
    let window = about.srWindow;
    let span =
        |first: i16, last: i16| u16::try_from(last - first + 1).ok().filter(|span| *span > 0);
    if done == 0 {
        return None;
    }
    Some((span(window.Top, window.Bottom)?, span(window.Left, window.Right)?))
}
