//! `--env-file`: an entry a line.

use std::str::Utf8Error;

use thiserror::Error;

/// A line that is no entry; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvFileError {
    /// Bytes that are no text.
    #[error("line {line}: invalid UTF-8: {error}")]
    NotText {
        /// The line.
        line: usize,
        /// What is wrong with it.
        error: Utf8Error,
    },
    /// Nothing before the `=`.
    #[error("line {line}: no variable name in '{text}'")]
    NoName {
        /// The line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A blank in the name, such as one before the `=`.
    #[error("line {line}: variable '{name}' contains whitespaces")]
    BlankInName {
        /// The line.
        line: usize,
        /// The name.
        name: String,
    },
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the bytes of such a file. Blanks before an entry go, everything behind the `=` stays, quotes
/// included; `#` begins a comment only where an entry would begin. A bare name takes its value from
/// `environment`, and is left out where that has none.
pub fn parse_file(
    bytes: &[u8],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, EnvFileError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut entries = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        entries.extend(entry(at + 1, line, &environment)?);
    }
    Ok(entries)
}

fn entry(
    line: usize,
    bytes: &[u8],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, EnvFileError> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|error| EnvFileError::NotText { line, error })?;
    let text = text.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let name = super::key(text);
    if name.is_empty() {
        return Err(EnvFileError::NoName { line, text: text.to_owned() });
    }
    if name.contains(char::is_whitespace) {
        return Err(EnvFileError::BlankInName { line, name: name.to_owned() });
    }
    if text.contains('=') {
        return Ok(Some(text.to_owned()));
    }
    Ok(environment(name).map(|value| format!("{name}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, EnvFileError> {
        parse_file(text.as_bytes(), |name| (name == "HOME").then(|| "/root".to_owned()))
    }

    #[test]
    fn comments_and_blanks_before_an_entry_go_and_its_value_stays() {
        let text = "\u{feff}# x\r\n  A= \"b\" # c \r\n\nHOME\nUNSET\nB=\n";
        assert_eq!(read(text).unwrap(), ["A= \"b\" # c ", "HOME=/root", "B="]);
    }

    #[test]
    fn a_line_that_is_no_entry_is_named() {
        assert_eq!(read("A=1\n=x"), Err(EnvFileError::NoName { line: 2, text: "=x".to_owned() }));
        let blank = EnvFileError::BlankInName { line: 1, name: "A B".to_owned() };
        assert_eq!(read("A B=1"), Err(blank));
        assert!(matches!(
            parse_file(b"\xff", |_| None),
            Err(EnvFileError::NotText { line: 1, .. })
        ));
    }
}
