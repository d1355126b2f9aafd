//! Judges `plan` against what the original made of the same inputs.
//!
//! `cargo test -p plan --test golden` reads `tests/golden/hcs` of the repository, or the folder that
//! `TRANSOM_GOLDEN` names, of the same layout; arguments filter cases by their set or name. Each
//! failing case is named with its first difference, each set has a line, and what nobody claims is
//! said to be unclaimed.

mod case;
mod compare;
mod container;
mod host;
mod small;
mod task;
mod vm;

use std::collections::BTreeMap;
use std::process::ExitCode;

use case::{Case, Verdict};

fn main() -> ExitCode {
    let filters: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let cases = match case::load(&case::folder()) {
        Ok(cases) if cases.is_empty() => {
            println!("no cases in {}", case::folder().display());
            return ExitCode::FAILURE;
        }
        Ok(cases) => cases,
        Err(error) => {
            println!("cannot read the cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut sets: BTreeMap<&str, Tally> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.matches(&filters)) {
        let verdict = judge(case);
        if let Verdict::Fails(difference) = &verdict {
            println!("FAILED {}: {}: {difference}", case.set, case.name);
        }
        sets.entry(case.set.as_str()).or_default().count(&verdict);
    }
    report(&sets)
}

/// A case that makes the code panic fails like any other.
fn judge(case: &Case) -> Verdict {
    let run = || match case.func.as_str() {
        "container" => Some(container::run(&case.input)),
        "vm" => Some(vm::run(&case.input)),
        "create_task" => Some(task::run(&case.input)),
        func => small::run(func, &case.input),
    };
    match std::panic::catch_unwind(run) {
        Ok(Some(outcome)) => compare::judge(case, &outcome),
        Ok(None) => Verdict::Unclaimed,
        Err(_) => Verdict::Fails("the code panicked".into()),
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    unclaimed: usize,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passes => self.passed += 1,
            Verdict::Fails(_) => self.failed += 1,
            Verdict::Unclaimed => self.unclaimed += 1,
        }
    }
}

fn report(sets: &BTreeMap<&str, Tally>) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for (set, tally) in sets {
        let unclaimed = match tally.unclaimed {
            0 => String::new(),
            count => format!(", {count} UNCLAIMED: no code of this crate answers them"),
        };
        println!("{set}: {} passed, {} failed{unclaimed}", tally.passed, tally.failed);
        passed += tally.passed;
        failed += tally.failed;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
