//! What is judged, in order.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::ensure;
use xshell::{Shell, cmd};

use super::count::Count;
use super::reasons::Reasons;
use crate::metadata::Metadata;
use crate::windows::Toolchain;
use crate::wine::Session;
use crate::workspace::Workspace;
use crate::{build, host, licences, program, tidy};

/// One thing that is judged.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// Whether it needs the programs as they are installed.
    pub(super) on_dist: bool,
    pub(super) run: fn(&Checkout<'_>) -> anyhow::Result<Count>,
}

/// What the steps work with.
pub(super) struct Checkout<'a> {
    workspace: &'a Workspace,
    toolchain: Toolchain,
    metadata: Metadata,
    /// The full number of rounds.
    full: bool,
}

/// All that runs on Linux. Each call of cargo names it whole: for another choice of packages cargo
/// chooses other features of what they share, and compiles that again.
const WORKSPACE: &[&str] = &["--workspace", "--exclude", "guest"];

/// The tests that are compared with the original implementations.
const GOLDEN: &str = "golden";

pub(super) fn all() -> &'static [Step] {
    const {
        &[
            Step { name: "format", on_dist: false, run: format },
            Step { name: "tidy", on_dist: false, run: tidy },
            Step { name: "licences", on_dist: false, run: licences },
            Step { name: "clippy", on_dist: false, run: clippy },
            Step { name: "windows", on_dist: false, run: clippy_for_windows },
            Step { name: "unit", on_dist: false, run: unit },
            Step { name: "wine", on_dist: false, run: wine },
            Step { name: "golden", on_dist: false, run: golden },
            Step { name: "build", on_dist: true, run: build },
            Step { name: "e2e", on_dist: true, run: end_to_end },
        ]
    }
}

impl<'a> Checkout<'a> {
    pub(super) fn new(workspace: &'a Workspace, shell: &Shell, full: bool) -> anyhow::Result<Self> {
        let toolchain = Toolchain::provide(shell)?;
        let metadata = Metadata::of_workspace(workspace)?;
        Ok(Self { workspace, toolchain, metadata, full })
    }

    /// Runs `cargo test` with these arguments and counts.
    fn cargo_test<S: AsRef<OsStr>>(&self, arguments: &[S]) -> anyhow::Result<Count> {
        let mut cargo = self.cargo("test");
        cargo.args(arguments);
        counted(&mut cargo)
    }

    fn cargo(&self, verb: &str) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.workspace.root()).arg(verb);
        cargo
    }

    /// The integration tests that run unasked, but for the guest's.
    fn integration_tests(&self) -> impl Iterator<Item = &str> {
        let packages = self.metadata.members().filter(|package| package.name != "guest");
        packages
            .flat_map(|package| &package.targets)
            .filter(|target| target.test && target.kind.iter().any(|kind| kind == "test"))
            .map(|target| target.name.as_str())
    }
}

/// Runs a test program; one that failed without saying which test did is an error.
fn counted(command: &mut Command) -> anyhow::Result<Count> {
    let mut count = Count::default();
    let mut reasons = Reasons::default();
    let succeeded = program::tee(command, |line| {
        count.read(line);
        reasons.read(line);
    })?;
    print!("{reasons}");
    ensure!(succeeded || count.all_passed().is_err(), "cargo failed before the tests did");
    Ok(count)
}

fn format(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    let shell = checkout.workspace.shell()?;
    cmd!(shell, "cargo fmt --all --check").run()?;
    Ok(Count::default())
}

fn tidy(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    tidy::run(checkout.workspace)?;
    Ok(Count::default())
}

fn licences(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    licences::check(checkout.workspace)?;
    Ok(Count::default())
}

fn clippy(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    let shell = checkout.workspace.shell()?;
    // The second is what `--all-targets` leaves out: a test that does not run unasked.
    for targets in [&["--all-targets"][..], &["--test", "e2e"]] {
        cmd!(shell, "cargo clippy --quiet {WORKSPACE...} {targets...} -- -D warnings").run()?;
    }
    Ok(Count::default())
}

fn clippy_for_windows(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    if !checkout.toolchain.has_clippy() {
        println!("Debian's compiler has no clippy for Windows: left out");
        return Ok(Count::default());
    }
    let mut cargo = checkout.toolchain.cargo(checkout.workspace, "clippy");
    cargo.args(["--quiet", "--package", "guest", "--package", "hcs-emulator"]);
    cargo.args(["--package", "engine", "--package", "shim", "--package", "build"]);
    cargo.args(["--package", "transom"]);
    cargo.args(["--lib", "--bins", "--examples", "--test", "hcs", "--test", "windows"]);
    cargo.args(["--test", "doubles", "--", "-D", "warnings"]);
    ensure!(program::tee(&mut cargo, |_| ())?, "clippy has found something");
    Ok(Count::default())
}

fn unit(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    let mut arguments = [WORKSPACE, &["--no-fail-fast", "--lib", "--bins"]].concat();
    for test in checkout.integration_tests().filter(|name| *name != GOLDEN) {
        arguments.extend(["--test", test]);
    }
    let units = checkout.cargo_test(&arguments)?;
    // The guest is a Windows program; its tests drive it from Linux, under Wine.
    let guest = checkout.cargo_test(&["--package", "guest", "--no-fail-fast"])?;
    let documentation = [WORKSPACE, &["--no-fail-fast", "--doc"]].concat();
    Ok(units + guest + checkout.cargo_test(&documentation)?)
}

/// What runs on Windows only, on Wine and the test doubles of HCS.
fn wine(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    let made = build::doubles(checkout.workspace, checkout.toolchain)?;
    let session = Session::start(checkout.workspace, &made)?;
    // All that can be in one call: what they share is compiled once.
    let together = ["--package=hcs-emulator", "--package=engine", "--package=shim"];
    let driven = ["--package=transom", "--test=doubles", "--test=hcs", "--test=windows"];
    let calls = [[&together[..], &driven].concat(), vec!["--package=engine", "--lib"]];
    let mut count = Count::default();
    for arguments in calls {
        let mut cargo = checkout.toolchain.cargo(checkout.workspace, "test");
        cargo.args(arguments).arg("--no-fail-fast").envs(session.env());
        if checkout.full {
            cargo.env("TRANSOM_E2E_FULL", "1");
        }
        // Some measure, and say what.
        cargo.args(["--", "--show-output"]);
        count = count + counted(&mut cargo)?;
    }
    Ok(count)
}

fn golden(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    if !checkout.integration_tests().any(|name| name == GOLDEN) {
        println!("no crate has golden tests");
        return Ok(Count::default());
    }
    checkout.cargo_test(&[WORKSPACE, &["--no-fail-fast", "--test", GOLDEN]].concat())
}

fn build(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    build::run(checkout.workspace)?;
    Ok(Count::default())
}

fn end_to_end(checkout: &Checkout<'_>) -> anyhow::Result<Count> {
    let mut cargo = checkout.cargo("test");
    cargo.args(WORKSPACE).args(["--test", "e2e", "--no-fail-fast"]);
    cargo.env("TRANSOM_DIST", checkout.workspace.dist());
    if checkout.full {
        cargo.env("TRANSOM_E2E_FULL", "1");
    }
    let root = host::as_root()?;
    if !root.is_empty() {
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", root.join(" "));
    }
    counted(&mut cargo)
}
