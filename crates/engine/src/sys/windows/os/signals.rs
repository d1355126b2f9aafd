//! What a console tells the programs on it.

use std::io;
use std::time::Duration;

use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

use super::terminal;

/// How often a console is asked for its size, which it does not tell.
const LOOK: Duration = Duration::from_millis(250);

/// Linux' numbers for what comes.
const INTERRUPT: u32 = 2;
const QUIT: u32 = 3;
const HANGUP: u32 = 1;

/// What ends a program, as Linux numbers it.
#[derive(Debug)]
pub struct Endings {
    interrupt: CtrlC,
    quit: CtrlBreak,
    hangup: CtrlClose,
}

impl Endings {
    /// Takes them over.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()?, quit: ctrl_break()?, hangup: ctrl_close()? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> u32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.quit.recv() => QUIT,
            _ = self.hangup.recv() => HANGUP,
        }
    }
}

/// Tells when the terminal has another size.
#[derive(Debug)]
pub struct Resizes(Option<(u16, u16)>);

impl Resizes {
    /// From now on.
    pub fn listen() -> io::Result<Self> {
        Ok(Self(terminal::size()))
    }

    /// Waits for the next change.
    pub async fn next(&mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let now = terminal::size();
            if now != self.0 {
                self.0 = now;
                return;
            }
        }
    }
}
