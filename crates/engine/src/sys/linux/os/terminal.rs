//! The terminal that this program is on.

use std::io::{self, IsTerminal as _};

use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr};

/// stdin's terminal in raw mode; put back as it was when dropped.
#[derive(Debug)]
pub struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Makes it raw. `None` when stdin is no terminal.
    pub fn enter() -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending, and there is nobody left to tell.
        tcsetattr(io::stdin(), OptionalActions::Now, &self.before).ok();
    }
}

/// Rows and columns of the terminal that output goes to.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stdin())).ok()?;
    of(size)
}

/// Of the one that errors go to.
pub fn size_of_stderr() -> Option<(u16, u16)> {
    of(tcgetwinsize(io::stderr()).ok()?)
}

fn of(size: Winsize) -> Option<(u16, u16)> {
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}
