//! Signals by name or number. Windows has none: a number other than 9 asks for an orderly shutdown.

use schema::signals::LINUX;
use thiserror::Error;

/// A signal's number, on the scale of Linux. Numbers outside the table can be stop signals, but
/// cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(pub i64);

/// The text is no signal's name, and no number but 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid signal: {0}")]
pub struct InvalidSignal(pub String);

/// The number is not one that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the Windows daemon does not support signal {0}")]
pub struct Unsupported(pub i64);

impl Signal {
    /// Asks for an orderly shutdown; the default stop signal.
    pub const TERM: Self = Self(15);
    /// Ends the container at once.
    pub const KILL: Self = Self(9);

    /// Whether it ends the container at once instead of asking it to shut down.
    pub fn terminates(self) -> bool {
        self == Self::KILL
    }

    /// Whether it can be sent.
    pub fn is_known(self) -> bool {
        LINUX.iter().any(|(_, number)| *number == self.0)
    }

    /// Its name without `SIG`, if it has one.
    pub fn name(self) -> Option<&'static str> {
        LINUX.iter().find(|(_, number)| *number == self.0).map(|(name, _)| *name)
    }
}

/// A stop signal: a number other than 0, or a name in any case, `SIG` before it or not.
pub fn parse(text: &str) -> Result<Signal, InvalidSignal> {
    let invalid = || InvalidSignal(text.to_owned());
    if let Ok(number) = text.parse::<i64>() {
        return if number == 0 { Err(invalid()) } else { Ok(Signal(number)) };
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let found = LINUX.iter().find(|(known, _)| *known == name);
    found.map(|(_, number)| Signal(*number)).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_unknown_names_are_refused() {
        for text in ["0", "-0", "", "SIGSIGTERM", "TERM ", "0x9", "RTMIN", "99999999999999999999"] {
            assert_eq!(parse(text), Err(InvalidSignal(text.to_owned())));
        }
    }

    #[test]
    fn only_kill_terminates() {
        assert!(parse("+9").unwrap().terminates());
        assert!(!parse("sigterm").unwrap().terminates());
        assert!(!parse("100").unwrap().is_known());
    }
}
