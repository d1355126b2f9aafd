//! `cargo xtask build`: what is installed, under `target/dist/{bin,libexec}`.
//!
//! Cargo says which programs it made, so nothing here names them: what users start goes to `bin`,
//! every other program, and every Windows program or DLL, to `libexec`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::host;
use crate::windows::Toolchain;
use crate::workspace::Workspace;

/// The programs that users, or containerd, start by name.
const FOR_USERS: &[&str] = &["transom", "containerd-shim-runhcs-v1"];

/// Builds, after installing what that needs.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let started = Instant::now();
    let shell = workspace.shell()?;
    host::provide(&shell, &[host::BUILD])?;
    let toolchain = Toolchain::provide(&shell)?;

    let mut made = made_for_release(linux(workspace))?;
    made.extend(made_for_release(windows(workspace, toolchain))?);
    let changed = install(&made, &workspace.dist())?;

    let seconds = started.elapsed().as_secs_f64();
    println!("target/dist: {} programs, {changed} changed, {seconds:.1} s", made.len());
    Ok(())
}

/// `cargo xtask windows`: the programs for a Windows host, under `target/dist/windows`.
pub(crate) fn for_windows(workspace: &Workspace) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    host::provide(&shell, &[host::BUILD])?;
    let mut cargo = Toolchain::provide(&shell)?.cargo(workspace, "build");
    cargo.args(["--release", "--package", "transom", "--package", "shim", "--package", "guest"]);
    let folder = workspace.dist().join("windows");
    std::fs::create_dir_all(&folder)?;
    for file in made(cargo)?.iter().filter(|file| file.extension().is_some_and(|e| e == "exe")) {
        let to = folder.join(file.file_name().context("a program without a name")?);
        replace(file, &to)?;
        println!("{}", to.display());
    }
    Ok(())
}

/// The test doubles of HCS, and what Windows programs need of Wine, unoptimised.
pub(crate) fn doubles(workspace: &Workspace, toolchain: Toolchain) -> anyhow::Result<Vec<PathBuf>> {
    let mut cargo = toolchain.cargo(workspace, "build");
    cargo.args(["--package", "hcs-emulator", "--package", "guest"]);
    cargo.args(["--lib", "--bins", "--examples"]);
    made(cargo)
}

fn linux(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).args(["build", "--bins"]);
    cargo.args(["--workspace", "--exclude", "guest", "--exclude", "xtask"]);
    cargo.args(["--exclude", "hcs-emulator"]);
    cargo
}

fn windows(workspace: &Workspace, toolchain: Toolchain) -> Command {
    let mut cargo = toolchain.cargo(workspace, "build");
    cargo.args(["--package", "guest"]);
    cargo
}

fn made_for_release(mut cargo: Command) -> anyhow::Result<Vec<PathBuf>> {
    cargo.arg("--release");
    made(cargo)
}

/// Runs cargo, and gives back the programs and DLLs of this workspace that it made, or found made.
fn made(mut cargo: Command) -> anyhow::Result<Vec<PathBuf>> {
    let output = cargo
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the build failed");
    }
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    Ok(messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .flat_map(products)
        .collect())
}

/// One message of cargo, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    target: Option<BuiltTarget>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct BuiltTarget {
    kind: Vec<String>,
}

fn products(message: Value) -> Vec<PathBuf> {
    let Ok(message) = serde_json::from_value::<Message>(message) else { return Vec::new() };
    let kinds = message.target.map(|target| target.kind).unwrap_or_default();
    let ours = message.package_id.starts_with("path+");
    let product = kinds.iter().any(|kind| ["bin", "cdylib", "example"].contains(&kind.as_str()));
    if message.reason != "compiler-artifact" || !ours || !product {
        return Vec::new();
    }
    message.filenames.into_iter().filter(|file| is_program(file)).collect()
}

/// Not an import library, nor debug information beside a program.
fn is_program(file: &Path) -> bool {
    match file.extension() {
        None => true,
        Some(extension) => extension == "exe" || extension == "dll",
    }
}

/// Copies what differs from what is there, and gives the number of files that did.
fn install(made: &[PathBuf], dist: &Path) -> anyhow::Result<usize> {
    let mut changed = 0;
    for file in made {
        let name = file.file_name().context("a program without a name")?;
        let folder = if FOR_USERS.iter().any(|user| name == *user) { "bin" } else { "libexec" };
        let folder = dist.join(folder);
        std::fs::create_dir_all(&folder)?;
        changed += usize::from(replace(file, &folder.join(name))?);
    }
    Ok(changed)
}

/// Puts `from` in the place of `to`, also while `to` runs.
fn replace(from: &Path, to: &Path) -> anyhow::Result<bool> {
    if is_current(from, to)? {
        return Ok(false);
    }
    let beside = to.with_extension("new");
    std::fs::copy(from, &beside).with_context(|| format!("cannot copy {}", from.display()))?;
    std::fs::rename(&beside, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(true)
}

fn is_current(from: &Path, to: &Path) -> anyhow::Result<bool> {
    let Ok(there) = std::fs::metadata(to) else { return Ok(false) };
    let new = std::fs::metadata(from)?;
    Ok(new.len() == there.len() && new.modified()? <= there.modified()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(package: &str, kind: &str, files: &[&str]) -> Value {
        json!({
            "reason": "compiler-artifact",
            "package_id": package,
            "target": { "kind": [kind] },
            "filenames": files,
        })
    }

    #[test]
    fn programs_and_dlls_of_this_workspace_are_products() {
        let shim = artifact("path+file:///x#shim@0.1.0", "bin", &["/t/containerd-shim-runhcs-v1"]);
        assert_eq!(products(shim), [PathBuf::from("/t/containerd-shim-runhcs-v1")]);
        let dll = artifact("path+file:///x#guest@0.1.0", "cdylib", &["/t/b.dll", "/t/libb.dll.a"]);
        assert_eq!(products(dll), [PathBuf::from("/t/b.dll")]);
    }

    #[test]
    fn libraries_and_other_peoples_programs_are_not() {
        let library = artifact("path+file:///x#schema@0.1.0", "lib", &["/t/libschema.rlib"]);
        assert_eq!(products(library), Vec::<PathBuf>::new());
        let registry = artifact("registry+https://x#clap@4.0.0", "bin", &["/t/clap"]);
        assert_eq!(products(registry), Vec::<PathBuf>::new());
    }
}
