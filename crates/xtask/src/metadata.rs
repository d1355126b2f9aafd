//! The parts of `cargo metadata` that the chores read.

use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;
use xshell::cmd;

use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
    pub(crate) manifest_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing.
    pub(crate) kind: Option<String>,
    /// A path dependency is a crate of this workspace.
    pub(crate) path: Option<PathBuf>,
    /// The `cfg(..)` it is for.
    pub(crate) target: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    /// Whether `cargo test` runs it unasked.
    pub(crate) test: bool,
}

impl Metadata {
    /// This workspace's own packages.
    pub(crate) fn of_workspace(workspace: &Workspace) -> anyhow::Result<Self> {
        Self::read(workspace, &["--no-deps"])
    }

    /// With everything they stand on, for one target.
    pub(crate) fn with_dependencies(workspace: &Workspace, target: &str) -> anyhow::Result<Self> {
        Self::read(workspace, &["--filter-platform", target])
    }

    fn read(workspace: &Workspace, arguments: &[&str]) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let json = cmd!(shell, "cargo metadata --quiet --format-version 1 {arguments...}")
            .quiet()
            .read()?;
        serde_json::from_str(&json).context("cannot read what `cargo metadata` printed")
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}
