//! Counting tests by what test programs print.

use std::fmt;
use std::iter::Sum;

/// Tests that passed and failed; a step without tests counts none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    passed: u64,
    failed: u64,
}

/// Not all tests passed.
#[derive(Debug)]
pub(super) struct SomeFailed(Count);

impl Count {
    /// Adds what a line of a test program says of its tests, if it says anything.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim();
        let counts = match line.strip_prefix("test result: ") {
            Some(result) => result.split_once(". ").and_then(|(_, counts)| parse(counts, "; ")),
            None => parse(line, ", "),
        };
        if let Some(more) = counts {
            *self = *self + more;
        }
    }

    /// Fails when a test did.
    pub(super) fn all_passed(self) -> anyhow::Result<Self> {
        if self.failed > 0 { Err(SomeFailed(self).into()) } else { Ok(self) }
    }
}

/// The count of a step that ended either way.
pub(super) fn of(outcome: &anyhow::Result<Count>) -> Option<Count> {
    match outcome {
        Ok(count) => Some(*count),
        Err(error) => error.downcast_ref::<SomeFailed>().map(|failed| failed.0),
    }
}

/// `12 passed; 0 failed` with whatever after it, or exactly `12 passed, 0 failed`.
fn parse(text: &str, separator: &str) -> Option<Count> {
    let mut parts = text.split(separator);
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some(Count { passed, failed })
}

impl std::ops::Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| sum + count)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl fmt::Display for SomeFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SomeFailed {}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Count {
        let mut count = Count::default();
        for line in lines {
            count.read(line);
        }
        count
    }

    #[test]
    fn libtest_results_are_added_up() {
        let lines = [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; finished in 0.00s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; finished in 0.00s",
        ];
        assert_eq!(counted(&lines), Count { passed: 15, failed: 2 });
    }

    #[test]
    fn the_last_line_of_a_golden_run_counts_and_a_sets_line_does_not() {
        let lines =
            ["env: 10 passed, 1 failed", "mounts  5 passed, 0 failed", "15 passed, 1 failed"];
        assert_eq!(counted(&lines), Count { passed: 15, failed: 1 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(counted(&["running 3 tests", "test a ... ok", ""]), Count::default());
    }

    #[test]
    fn a_failed_test_fails_its_step_and_is_still_counted() {
        let count = Count { passed: 1, failed: 1 };
        assert_eq!(of(&count.all_passed()), Some(count));
        assert!(count.all_passed().is_err());
    }
}
