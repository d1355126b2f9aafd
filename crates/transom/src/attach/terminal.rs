//! The terminal that this program runs in.

use std::io::IsTerminal;

pub use engine::os::terminal::{RawTerminal, size};

/// Refuses a terminal inside for input that comes from none.
pub fn check(tty: bool, stdin: bool) -> anyhow::Result<()> {
    let comes_from_one = std::io::stdin().is_terminal();
    anyhow::ensure!(!(tty && stdin) || comes_from_one, "the input device is not a TTY");
    Ok(())
}
