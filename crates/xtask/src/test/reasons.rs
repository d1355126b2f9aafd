//! Why tests failed, by what test programs print: told once more at the end of a step, where whoever
//! looks at a long log looks first.

use std::fmt;

/// As much of a test's output as tells why it failed.
const LINES: usize = 12;
/// As much of a line.
const WIDTH: usize = 1000;

/// The tests that failed, each with the first that it said.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    all: Vec<Reason>,
    /// What comes is about tests that failed.
    about_failures: bool,
    /// What comes is the last one's.
    open: bool,
}

#[derive(Debug)]
struct Reason {
    test: String,
    lines: Vec<String>,
}

impl Reasons {
    /// Takes what a line says of one, if it says anything.
    pub(super) fn read(&mut self, line: &str) {
        let heading = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        if line == "failures:" || line == "successes:" || line.starts_with("test result: ") {
            self.about_failures = line == "failures:";
            self.open = false;
        } else if let Some(test) = heading.filter(|_| self.about_failures) {
            self.all.push(Reason { test: test.to_owned(), lines: Vec::new() });
            self.open = true;
        } else if line.trim() == "stack backtrace:" {
            self.open = false;
        } else if let Some(last) = self.all.last_mut().filter(|_| self.open) {
            let says = !line.trim().is_empty() && !line.starts_with("note: ");
            if says && last.lines.len() < LINES {
                last.lines.push(line.chars().take(WIDTH).collect());
            }
        }
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Reason { test, lines } in &self.all {
            writeln!(f, "{test}:")?;
            lines.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failed_test_is_there_with_its_words_and_without_its_backtrace() {
        let output = "test a::b ... FAILED\n\nsuccesses:\n\n---- c stdout ----\nfine\n\n\
            failures:\n\n---- a::b stdout ----\n\nthread 'a::b' panicked at x.rs:1:2:\n\
            assertion failed: no\nstack backtrace:\n   0: core\nnote: Some details\n\n\
            ---- d stdout ----\nError: \"gone\"\n\n\nfailures:\n    a::b\n    d\n\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored\nlater\n";
        let mut reasons = Reasons::default();
        output.lines().for_each(|line| reasons.read(line));
        assert_eq!(
            reasons.to_string(),
            "a::b:\n    thread 'a::b' panicked at x.rs:1:2:\n    assertion failed: no\n\
             d:\n    Error: \"gone\"\n"
        );
    }
}
