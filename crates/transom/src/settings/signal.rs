//! Signals: Linux' numbers outside, a shim's Windows numbers below.

use anyhow::{Result, bail};

/// Ends a container at once.
pub const KILL: u32 = 9;
/// Asks it to end.
pub const TERM: u32 = 15;
/// Docker's grace period on Windows, in seconds.
pub const STOP_TIMEOUT: i64 = 30;

const HANGUP: u32 = 1;
const INTERRUPT: u32 = 2;
const QUIT: u32 = 3;

/// Reads a signal's name or number, one that can be sent.
pub fn parse(text: &str) -> Result<u32> {
    let signal = spec::signal::parse(text)?;
    match u32::try_from(signal.0) {
        Ok(number) if signal.is_known() => Ok(number),
        _ => bail!("signal {} is not supported", signal.0),
    }
}

/// What a shim takes for it: a control event's number, or 9 and 15 themselves. Docker makes an
/// orderly shutdown of whatever is not a kill; a Ctrl-C that was typed is delivered as one.
pub fn windows(number: u32) -> u32 {
    const CTRL_C: u32 = 0;
    const CTRL_BREAK: u32 = 1;
    const CTRL_CLOSE: u32 = 2;
    match number {
        KILL => KILL,
        INTERRUPT => CTRL_C,
        QUIT => CTRL_BREAK,
        HANGUP => CTRL_CLOSE,
        _ => TERM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_same_signal() {
        for text in ["KILL", "SIGKILL", "sigkill", "9"] {
            assert_eq!(parse(text).unwrap(), KILL);
        }
        for text in ["", "0", "-9", "FOO", "77"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_typed_interrupt_is_ctrl_c_and_an_unknown_wish_is_a_shutdown() {
        assert_eq!(windows(2), 0);
        assert_eq!(windows(10), TERM);
        assert_eq!(windows(KILL), KILL);
    }
}
