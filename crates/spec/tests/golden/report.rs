//! A line for each set, one for each case that fails, and the sum.

use std::path::Path;
use std::process::ExitCode;

use crate::case::Case;
use crate::compare::difference;
use crate::sets::Set;

#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    pub(crate) fn set(&mut self, name: &str, cases: &[Case], set: Set) {
        let failures: Vec<String> = cases
            .iter()
            .filter_map(|case| Some(format!("FAIL {name}/{}: {}", case.name, failure(case, set)?)))
            .collect();
        for line in &failures {
            println!("{line}");
        }
        let passed = cases.len() - failures.len();
        println!("{name}: {passed} passed, {} failed", failures.len());
        self.passed += passed;
        self.failed += failures.len();
    }

    /// Finding no case at all is a failure too.
    pub(crate) fn finish(&self, folder: &Path) -> ExitCode {
        if self.passed + self.failed == 0 {
            println!("no case in {}", folder.display());
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A set without code is told apart from one without failures.
pub(crate) fn unclaimed(name: &str, cases: usize) {
    println!("{name}: no code here claims this set ({cases} cases)");
}

/// The first difference; a panic is one.
fn failure(case: &Case, set: Set) -> Option<String> {
    let run = std::panic::AssertUnwindSafe(|| set(case));
    match std::panic::catch_unwind(run) {
        Ok(got) => difference(case, &got),
        Err(_) => Some("panicked".to_owned()),
    }
}
