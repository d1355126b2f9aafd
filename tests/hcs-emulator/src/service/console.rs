//! A pseudo console, for a process that was asked for with one.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};

use windows_sys::Win32::System::Console::{
    COORD, ClosePseudoConsole, CreatePseudoConsole, HPCON, ResizePseudoConsole,
};

/// `E_NOTIMPL`.
const NOT_IMPLEMENTED: u32 = 0x8000_4001;

/// A pseudo console; closing it ends the programs on it.
pub(crate) struct Console(HPCON);

// SAFETY: a console's handle is a number that any thread may use.
unsafe impl Send for Console {}
// SAFETY: as above.
unsafe impl Sync for Console {}

impl Console {
    /// `size` is `[height, width]`.
    pub(crate) fn new(
        size: [i16; 2],
        input: &OwnedHandle,
        output: &OwnedHandle,
    ) -> Result<Self, u32> {
        let mut console: HPCON = 0;
        let size = COORD { X: size[1], Y: size[0] };
        // SAFETY: both handles are open, and the console duplicates them.
        let result = unsafe {
            CreatePseudoConsole(
                size,
                input.as_raw_handle(),
                output.as_raw_handle(),
                0,
                &raw mut console,
            )
        };
        if result < 0 { Err(result.cast_unsigned()) } else { Ok(Self(console)) }
    }

    pub(crate) fn resize(&self, size: [i16; 2]) -> Result<(), u32> {
        // SAFETY: the console is open.
        let result = unsafe { ResizePseudoConsole(self.0, COORD { X: size[1], Y: size[0] }) };
        // Wine's console keeps its size and says so: the call was right all the same.
        if result < 0 && result.cast_unsigned() != NOT_IMPLEMENTED {
            return Err(result.cast_unsigned());
        }
        Ok(())
    }

    pub(crate) fn raw(&self) -> HPCON {
        self.0
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // SAFETY: it is closed once.
        unsafe { ClosePseudoConsole(self.0) };
    }
}
