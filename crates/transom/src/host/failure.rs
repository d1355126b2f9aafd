//! Which exit status a container has that could not be started: docker's rules.

use crate::attach::wire::Failure;

/// Something other than the program.
pub const DAEMON: u8 = 125;
/// The program cannot be run.
pub const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
pub const NOT_FOUND: u8 = 127;

/// Starting the program itself is what failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to start `{program}`")]
pub struct ProgramFailed {
    /// What was to be started.
    pub program: String,
}

/// Why a container could not be started, from the error that says so.
pub fn of(error: &anyhow::Error) -> Failure {
    let message = format!("{error:#}");
    let status = match error.downcast_ref::<ProgramFailed>() {
        Some(_) => of_program(&message),
        None => DAEMON,
    };
    Failure { status, message }
}

/// The status for a program that could not be started, from the words of whoever tried.
fn of_program(message: &str) -> u8 {
    match windows_error(message) {
        // Not found: the file, its folder, the drive, a module, or the directory to start in.
        Some(2 | 3 | 15 | 123 | 126 | 161 | 267) => return NOT_FOUND,
        // Access denied, bad format, not a program for this machine.
        Some(5 | 11 | 193 | 216) => return NOT_EXECUTABLE,
        _ => {}
    }
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["permission denied", "is a directory", "access is denied"]) {
        NOT_EXECUTABLE
    } else if says(&[
        "not a directory",
        "executable file not found",
        "no such file or directory",
        "cannot find the file specified",
        "file not found",
    ]) {
        NOT_FOUND
    } else {
        DAEMON
    }
}

/// The number in `(Windows error 2)`.
fn windows_error(message: &str) -> Option<u32> {
    let (_, after) = message.rsplit_once("Windows error ")?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).map_or(after, |end| &after[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(cause: &str) -> u8 {
        let program = ProgramFailed { program: "nosuch".to_owned() };
        of(&anyhow::anyhow!(cause.to_owned()).context(program)).status
    }

    #[test]
    fn a_missing_program_is_named_and_gives_127() {
        let program = ProgramFailed { program: "nosuch".to_owned() };
        let error = anyhow::anyhow!("file not found (Windows error 2)").context(program);
        let failure = of(&error);
        assert_eq!(failure.status, NOT_FOUND);
        assert!(failure.message.contains("nosuch"), "{}", failure.message);
    }

    #[test]
    fn what_cannot_be_run_gives_126_and_the_rest_125() {
        assert_eq!(status("bad exe format (Windows error 193)"), NOT_EXECUTABLE);
        assert_eq!(status("open: permission denied"), NOT_EXECUTABLE);
        assert_eq!(status("lost contact"), DAEMON);
    }

    #[test]
    fn only_the_program_can_be_missing() {
        let error = anyhow::anyhow!("no such file or directory").context("reading a layer");
        assert_eq!(of(&error).status, DAEMON);
    }
}
