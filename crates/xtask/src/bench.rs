//! `cargo xtask bench`: runs the measurements and shows them as a table.
//!
//! They are made by `crates/transom/tests/e2e/bench`, with the harness of the end-to-end tests,
//! and written to `target/bench.json`; here they are only started and shown.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Deserialize;

use crate::workspace::Workspace;
use crate::{build, host, program, table};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Only the measurements whose name begins so: `start`, `shim::shim_start`, `build::run_step`
    only: Option<String>,
}

/// One line of `target/bench.json`.
#[derive(Deserialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
    baseline: Option<f64>,
    limit: Option<f64>,
    holds: Option<bool>,
}

/// Measures, and fails when a measurement could not be made. A limit that is not held is shown,
/// and is no failure.
pub(crate) fn run(workspace: &Workspace, options: Options) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    host::provide(&shell, &[host::BUILD, host::RUN, host::BENCH])?;
    build::run(workspace)?;
    let json = workspace.root().join("target/bench.json");
    if json.exists() && options.only.is_none() {
        std::fs::remove_file(&json)?;
    }
    let measured = program::tee(&mut measurements(workspace, &json, options)?, |_| ())?;
    show(&json)?;
    ensure!(measured, "not everything could be measured");
    Ok(())
}

fn measurements(workspace: &Workspace, json: &Path, options: Options) -> anyhow::Result<Command> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root());
    cargo.args(["test", "--package", "transom", "--test", "e2e", "--no-fail-fast", "--"]);
    cargo.args(["--ignored", "--nocapture", "--test-threads", "1"]);
    cargo.arg(format!("bench::{}", options.only.unwrap_or_default()));
    cargo.env("TRANSOM_DIST", workspace.dist()).env("TRANSOM_BENCH_JSON", json);
    let root = host::as_root()?;
    if !root.is_empty() {
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", root.join(" "));
    }
    Ok(cargo)
}

fn show(json: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(json)
        .with_context(|| format!("nothing was measured: no {}", json.display()))?;
    let figures: Vec<Figure> = serde_json::from_str(&text).context("cannot read bench.json")?;
    let head = ["measured", "value", "unit", "baseline", "limit", "holds"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(figures.iter().map(Figure::row));
    println!();
    table::print(&rows);
    Ok(())
}

impl Figure {
    fn row(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map(|value| format!("{value:.3}"));
        let holds = self.holds.map(|holds| if holds { "yes" } else { "NO" }.to_owned());
        vec![
            self.name.clone(),
            format!("{:.3}", self.value),
            self.unit.clone(),
            number(self.baseline).unwrap_or_default(),
            number(self.limit).unwrap_or_default(),
            holds.unwrap_or_default(),
        ]
    }
}
