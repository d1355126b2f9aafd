//! What is said on stdout and stderr, when nobody may be listening any more (`| head`).
//!
//! The standard library's `println!` panics then. The crate's own, of the same name, ends the
//! command as the signal would that a shell's tools get, and docker's command with them. What a
//! container writes is not written here: its reader may go, and it runs on.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// What a shell shows of a program that SIGPIPE has ended.
const NOBODY_READS: i32 = 141;

/// `println!`
macro_rules! println {
    () => { $crate::output::stdout(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::stdout(format_args!("{}\n", format_args!($($text)*))) };
}

/// `print!`
macro_rules! print {
    ($($text:tt)*) => { $crate::output::stdout(format_args!($($text)*)) };
}

/// `eprintln!`
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::stderr(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) fn stdout(text: Arguments<'_>) {
    written(io::stdout().write_fmt(text));
}

/// Who closed stderr wants to hear of nothing, but still wants it done. What is wrong with an
/// archive or a registry may be told in its own words, which are not to command the terminal.
pub fn stderr(text: Arguments<'_>) {
    io::stderr().write_all(harmless(&text.to_string()).as_bytes()).ok();
}

fn harmless(text: &str) -> String {
    let commands = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if commands(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Ends the command when its output cannot be written: quietly when nobody reads it.
pub(crate) fn written(result: io::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(NOBODY_READS),
        Err(error) => {
            stderr(format_args!("transom: writing output: {error}\n"));
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_does_not_command_the_terminal() {
        assert_eq!(
            harmless("bad\u{1b}[2Jname\u{7f}\tx\u{9b}\n"),
            "bad\\u{1b}[2Jname\\u{7f}\tx\\u{9b}\n"
        );
    }
}
