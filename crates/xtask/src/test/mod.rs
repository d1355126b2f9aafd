//! `cargo xtask test`: everything that CI runs, quickest to fail first.
//!
//! What is run is in `steps`; here is the order's keeper: it times each step, stops at the first
//! that fails, and ends with a table and one line of all tests that were counted.

mod count;
mod reasons;
mod steps;

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;

use self::count::Count;
use self::steps::{Checkout, Step};
use crate::workspace::Workspace;
use crate::{host, table};

/// How much to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the end-to-end tests and the release build that they need
    #[arg(long)]
    quick: bool,
    /// The full number of rounds in end-to-end tests that repeat something
    #[arg(long, conflicts_with = "quick")]
    full: bool,
    /// Go on after a step that failed
    #[arg(long)]
    keep_going: bool,
    /// Only these steps: format, tidy, licences, clippy, windows, unit, wine, golden, build, e2e
    steps: Vec<String>,
}

/// How a step ended.
struct Ended {
    name: &'static str,
    time: Duration,
    outcome: anyhow::Result<Count>,
}

/// Runs the steps, and fails when one did.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let steps = chosen(options)?;
    let checkout = prepare(workspace, options)?;
    let mut ended = Vec::new();
    for step in steps {
        ended.push(take(step, &checkout));
        if ended.last().is_some_and(|last| last.outcome.is_err()) && !options.keep_going {
            break;
        }
    }
    summarise(&ended)
}

fn chosen(options: &Options) -> anyhow::Result<Vec<&'static Step>> {
    let all = || steps::all().iter();
    if let Some(name) = options.steps.iter().find(|name| all().all(|step| step.name != **name)) {
        let names: Vec<_> = all().map(|step| step.name).collect();
        bail!("there is no step `{name}`, but {}", names.join(", "));
    }
    let named = |step: &&Step| {
        options.steps.is_empty() || options.steps.iter().any(|name| name == step.name)
    };
    Ok(all().filter(named).filter(|step| !(options.quick && step.on_dist)).collect())
}

/// Installs what the steps need.
fn prepare<'a>(workspace: &'a Workspace, options: &Options) -> anyhow::Result<Checkout<'a>> {
    let shell = workspace.shell()?;
    host::provide(&shell, &[host::BUILD, host::RUN, host::TEST])?;
    Checkout::new(workspace, &shell, options.full)
}

fn take(step: &Step, checkout: &Checkout<'_>) -> Ended {
    println!("\n== {}", step.name);
    let started = Instant::now();
    let outcome = (step.run)(checkout).and_then(Count::all_passed);
    if let Err(error) = &outcome {
        println!("{} failed: {error:#}", step.name);
    }
    Ended { name: step.name, time: started.elapsed(), outcome }
}

fn summarise(ended: &[Ended]) -> anyhow::Result<()> {
    println!();
    table::print(&ended.iter().map(row).collect::<Vec<_>>());
    let total: Count = ended.iter().filter_map(|step| count::of(&step.outcome)).sum();
    println!("{total}");
    let failed: Vec<_> = ended.iter().filter(|step| step.outcome.is_err()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|step| step.name).collect();
    bail!("failed: {}", names.join(", "))
}

fn row(step: &Ended) -> Vec<String> {
    let verdict = match &step.outcome {
        Ok(_) => "ok",
        Err(_) => "FAILED",
    };
    let tests = count::of(&step.outcome).filter(|count| *count != Count::default());
    vec![
        step.name.to_owned(),
        format!("{:>7.1} s", step.time.as_secs_f64()),
        verdict.to_owned(),
        tests.map(|count| count.to_string()).unwrap_or_default(),
    ]
}
