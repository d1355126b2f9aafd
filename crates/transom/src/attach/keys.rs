//! The keys that leave a terminal without ending what runs in it.

use anyhow::{Result, bail};

/// A sequence of keys, as bytes, and how much of it has been typed.
#[derive(Debug, Clone)]
pub struct DetachKeys {
    sequence: Vec<u8>,
    typed: usize,
}

/// What to do with what was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Pass these bytes on.
    Pass(Vec<u8>),
    /// Pass these on, then leave.
    Detach(Vec<u8>),
}

impl DetachKeys {
    /// Docker's own: `ctrl-p,ctrl-q`.
    pub const DEFAULT: &str = "ctrl-p,ctrl-q";

    /// Parses `a`, `ctrl-a` and comma-separated lists of them. Nothing at all never detaches.
    pub fn parse(text: &str) -> Result<Self> {
        let sequence = if text.is_empty() {
            Vec::new()
        } else {
            text.split(',').map(key).collect::<Result<_>>()?
        };
        Ok(Self { sequence, typed: 0 })
    }

    /// Takes in what was typed. Keys that begin the sequence are held back until it is clear
    /// whether the rest follows.
    pub fn on(&mut self, input: &[u8]) -> Typed {
        let mut pass = Vec::with_capacity(input.len());
        for &byte in input {
            if self.sequence.get(self.typed) == Some(&byte) {
                self.typed += 1;
                if self.typed == self.sequence.len() {
                    self.typed = 0;
                    return Typed::Detach(pass);
                }
                continue;
            }
            pass.extend_from_slice(&self.sequence[..self.typed]);
            self.typed = usize::from(self.sequence.first() == Some(&byte));
            if self.typed == 0 {
                pass.push(byte);
            } else if self.sequence.len() == 1 {
                return Typed::Detach(pass);
            }
        }
        Typed::Pass(pass)
    }
}

fn key(text: &str) -> Result<u8> {
    if let [byte] = text.as_bytes() {
        return Ok(*byte);
    }
    match text.strip_prefix("ctrl-").map(str::as_bytes) {
        Some(&[letter @ b'a'..=b'z']) => Ok(letter - b'a' + 1),
        Some(&[sign @ b'@'..=b'_']) => Ok(sign - b'@'),
        _ => {
            bail!("invalid detach key `{text}`: a character, or ctrl- and one of a-z @ [ \\ ] ^ _")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> DetachKeys {
        DetachKeys::parse(DetachKeys::DEFAULT).unwrap()
    }

    #[test]
    fn the_sequence_detaches_also_when_it_comes_in_pieces() {
        let mut keys = default();
        assert_eq!(keys.on(b"ab\x10"), Typed::Pass(b"ab".to_vec()));
        assert_eq!(keys.on(b"\x11"), Typed::Detach(Vec::new()));
    }

    #[test]
    fn half_a_sequence_is_passed_on_with_what_follows() {
        let mut keys = default();
        assert_eq!(keys.on(b"\x10x"), Typed::Pass(b"\x10x".to_vec()));
        assert_eq!(keys.on(b"\x10\x10\x11"), Typed::Detach(b"\x10".to_vec()));
    }

    #[test]
    fn one_key_is_enough_when_one_was_asked_for() {
        let mut keys = DetachKeys::parse("ctrl-]").unwrap();
        assert_eq!(keys.on(b"a\x1d"), Typed::Detach(b"a".to_vec()));
    }

    #[test]
    fn an_unknown_key_is_refused_and_no_key_never_detaches() {
        assert!(DetachKeys::parse("ctrl-1").is_err());
        assert_eq!(
            DetachKeys::parse("").unwrap().on(b"\x10\x11"),
            Typed::Pass(b"\x10\x11".to_vec())
        );
    }
}
