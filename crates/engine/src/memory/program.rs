//! The programs of the in-memory engine.
//!
//! | command line | what it does |
//! |---|---|
//! | `exit N` | ends with N |
//! | `cat` | copies stdin to stdout and ends with 0 at its end |
//! | `complain TEXT` | writes TEXT and a line end to stderr and ends with 0 |
//! | `wait` | runs until a control event or until it is ended |
//! | `stubborn` | runs until it is ended, whatever it is asked |
//!
//! Anything else is a program that does not exist.

use schema::guest::Failure;
use schema::process::ProcessParameters;

/// Windows' `ERROR_FILE_NOT_FOUND`.
const FILE_NOT_FOUND: u32 = 2;
/// The exit code that Windows gives to a program ended by a control event.
pub const CONTROL_C_EXIT: u32 = 0xC000_013A;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    Exit(u32),
    Cat,
    Complain(String),
    Wait,
    Stubborn,
}

impl Program {
    pub(super) fn find(parameters: &ProcessParameters) -> Result<Self, Failure> {
        let line = parameters.command_line.as_str();
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (name, rest) {
            ("exit", code) => code.parse().map(Self::Exit).map_err(|_| no_such(line)),
            ("cat", "") => Ok(Self::Cat),
            ("complain", text) => Ok(Self::Complain(text.to_owned())),
            ("wait", "") => Ok(Self::Wait),
            ("stubborn", "") => Ok(Self::Stubborn),
            _ => Err(no_such(line)),
        }
    }

    /// The file name that a process list shows.
    pub(super) fn image(&self) -> &'static str {
        match self {
            Self::Exit(_) => "exit.exe",
            Self::Cat => "cat.exe",
            Self::Complain(_) => "complain.exe",
            Self::Wait => "wait.exe",
            Self::Stubborn => "stubborn.exe",
        }
    }
}

fn no_such(line: &str) -> Failure {
    Failure { code: FILE_NOT_FOUND, message: format!("cannot find the program of `{line}`") }
}
