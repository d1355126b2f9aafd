//! The chores: `cargo xtask demo|build|windows|test|bench|tidy|goldens`.
//!
//! One module a chore. What they share is `workspace` (where things are), `host` (what must be
//! installed), `windows` (the toolchain for Windows programs), `wine` (where their tests run) and `program` (starting them). The
//! end-to-end tests and the measurements themselves are in `crates/transom/tests`.

mod bench;
mod build;
mod demo;
mod goldens;
mod host;
mod licences;
mod metadata;
mod program;
mod table;
mod test;
mod tidy;
mod windows;
mod wine;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Transom's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what is missing, build, and run a Windows program in a container
    Demo,
    /// Build everything for release into target/dist/{bin,libexec}
    Build,
    /// Build transom, the shim and the guest for Windows into target/dist/windows
    Windows,
    /// Everything that CI runs, quickest to fail first
    Test(test::Options),
    /// Measure; prints a table and writes target/bench.json
    Bench(bench::Options),
    /// The rules of the source that no compiler checks
    Tidy,
    /// Copy golden sets from a folder with `hcs/` and `moby/` in it to tests/golden
    Goldens {
        /// The folder
        from: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    let workspace = Workspace::locate()?;
    match chore {
        Chore::Demo => demo::run(&workspace),
        Chore::Build => build::run(&workspace),
        Chore::Windows => build::for_windows(&workspace),
        Chore::Test(options) => test::run(&workspace, &options),
        Chore::Bench(options) => bench::run(&workspace, options),
        Chore::Tidy => tidy::run(&workspace),
        Chore::Goldens { from } => goldens::copy(&workspace, &from),
    }
}
