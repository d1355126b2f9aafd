//! A pseudo console: what a process with a terminal has in the place of three streams.
//!
//! What its programs show is written to one pipe as a terminal's sequences, and their keys are read
//! from another, by a process of Windows' own that ends with the console. Here are the console and
//! its size; the pipes are [`stdio`](super::stdio)'s, the process on it [`launch`](super::launch)'s.

use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};

use schema::ConsoleSize;
use tokio::net::windows::named_pipe::NamedPipeServer;
use windows_sys::Win32::Foundation::E_NOTIMPL;
use windows_sys::Win32::System::Console::{
    COORD, ClosePseudoConsole, CreatePseudoConsole, HPCON, ResizePseudoConsole,
};

use crate::error::ErrorKind;

/// Lines and columns of one that is asked for without, or with a zero.
const USUAL: (i16, i16) = (25, 80);

/// A pseudo console; dropping it ends the programs that are still on it, and may take its time.
#[derive(Debug)]
pub(super) struct Console {
    handle: HPCON,
    /// Where nobody types: a console whose keys have come to their end ends.
    _idle: Option<NamedPipeServer>,
}

impl Console {
    /// Makes one between two pipes, of which Windows keeps handles of its own. Windows starts a
    /// program for it, so this is done while nobody else does.
    pub(super) fn new(
        asked: Option<ConsoleSize>,
        input: &OwnedHandle,
        output: &OwnedHandle,
        idle: Option<NamedPipeServer>,
    ) -> io::Result<Self> {
        let mut handle: HPCON = 0;
        // SAFETY: both handles are open, and the console has a place.
        let result = unsafe {
            CreatePseudoConsole(
                first_size(asked),
                input.as_raw_handle(),
                output.as_raw_handle(),
                0,
                &raw mut handle,
            )
        };
        if result < 0 {
            return Err(io::Error::from_raw_os_error(result));
        }
        Ok(Self { handle, _idle: idle })
    }

    pub(super) fn resize(&self, size: ConsoleSize) -> Result<(), ErrorKind> {
        let size = COORD { X: cells(size.width), Y: cells(size.height) };
        // SAFETY: the console is open.
        let result = unsafe { ResizePseudoConsole(self.handle, size) };
        match result {
            // Wine says so.
            E_NOTIMPL => Err(ErrorKind::Unsupported {
                what: "another size of a console".into(),
                why: "the pseudo consoles of this Windows keep the one that they are made with"
                    .into(),
            }),
            ..0 => Err(ErrorKind::io("resize a console", io::Error::from_raw_os_error(result))),
            0.. => Ok(()),
        }
    }

    /// Good while it lives.
    pub(super) fn raw(&self) -> HPCON {
        self.handle
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // SAFETY: it is closed once.
        unsafe { ClosePseudoConsole(self.handle) };
    }
}

fn first_size(asked: Option<ConsoleSize>) -> COORD {
    let part = |asked: Option<u16>, usual| asked.map(cells).filter(|n| *n > 0).unwrap_or(usual);
    COORD {
        X: part(asked.map(|size| size.width), USUAL.1),
        Y: part(asked.map(|size| size.height), USUAL.0),
    }
}

/// As many as a console can have.
fn cells(count: u16) -> i16 {
    i16::try_from(count).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_has_25_lines_of_80_but_for_what_is_asked_for() {
        let size = |height, width| Some(ConsoleSize { height, width });
        for (asked, columns, lines) in [
            (None, 80, 25),
            (size(0, 0), 80, 25),
            (size(40, 0), 80, 40),
            (size(0, 100), 100, 25),
            (size(u16::MAX, 132), 132, i16::MAX),
        ] {
            let made = first_size(asked);
            assert_eq!((made.X, made.Y), (columns, lines), "{asked:?}");
        }
    }
}
