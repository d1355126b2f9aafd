//! The toolchain that makes Windows programs here.
//!
//! Rustup's target where it can be had. Else Debian's `rustc-web`, which carries the standard
//! library's source: `-Zbuild-std` builds that for Windows.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::host;
use crate::workspace::Workspace;

/// What Windows programs are built for.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

const DEBIAN_PACKAGES: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "gcc-mingw-w64-x86-64"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Which compiler builds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The pinned one, with the target installed.
    Rustup,
    /// Debian's, with the standard library from source.
    Debian,
}

impl Toolchain {
    /// The one that is there, or that can be made to be.
    pub(crate) fn provide(shell: &Shell) -> anyhow::Result<Self> {
        if has_target(shell) || add_target(shell) {
            return Ok(Self::Rustup);
        }
        if !has_debian() {
            println!("rustup has no {TARGET}: taking Debian's compiler and its library's source");
            host::apt_install(shell, DEBIAN_PACKAGES)?;
        }
        if has_debian() {
            return Ok(Self::Debian);
        }
        bail!("no Rust compiler for {TARGET}: `rustup target add {TARGET}` must work")
    }

    /// `cargo <verb> --target <windows>`, ready for more arguments.
    pub(crate) fn cargo(self, workspace: &Workspace, verb: &str) -> Command {
        let mut cargo = match self {
            Self::Rustup => Command::new("cargo"),
            Self::Debian => debian_cargo(),
        };
        cargo.current_dir(workspace.root()).arg(verb).args(["--target", TARGET]);
        if self == Self::Debian {
            cargo.args(["-Zbuild-std=std,panic_abort", "--target-dir", "target/windows"]);
        }
        cargo
    }

    /// Clippy comes with rustup's compiler only.
    pub(crate) fn has_clippy(self) -> bool {
        self == Self::Rustup
    }
}

fn debian_cargo() -> Command {
    let mut cargo = Command::new(DEBIAN_CARGO);
    cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
    // What rustup's proxy set would lead back to the pinned toolchain.
    for variable in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER"] {
        cargo.env_remove(variable);
    }
    cargo
}

fn has_target(shell: &Shell) -> bool {
    cmd!(shell, "rustc --print target-libdir --target {TARGET}")
        .quiet()
        .ignore_stderr()
        .read()
        .is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn add_target(shell: &Shell) -> bool {
    if !host::has_program("rustup") {
        return false;
    }
    println!("Installing the Rust target {TARGET}");
    cmd!(shell, "rustup target add {TARGET}").run().is_ok() && has_target(shell)
}

fn has_debian() -> bool {
    let version = Command::new(DEBIAN_RUSTC).arg("--print").arg("sysroot").output();
    version.context("no rustc").is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&sysroot).join("lib/rustlib/src/rust/library/std").is_dir()
            && Path::new(DEBIAN_CARGO).is_file()
    })
}
