//! The files that tidy judges: what git tracks, and what it would track.

use std::path::{Path, PathBuf};

use anyhow::Context;
use proc_macro2::TokenStream;
use xshell::cmd;

use crate::workspace::Workspace;

/// All text files of the workspace.
pub(super) struct Sources(Vec<Source>);

/// One file, by its path below the root.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Sources {
    pub(super) fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let list =
            cmd!(shell, "git ls-files -z --cached --others --exclude-standard --deduplicate")
                .quiet()
                .read()
                .context("tidy needs git to know the sources")?;
        let files = list.split('\0').filter(|path| !path.is_empty() && !is_taken_over(path));
        Ok(Self(files.filter_map(|path| Source::read(workspace, path)).collect()))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The file at a path below the root.
    pub(super) fn find(&self, path: &Path) -> Option<&Source> {
        self.0.iter().find(|file| file.path == path)
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.0.iter().filter(|file| file.path.extension().is_some_and(|found| found == "rs"))
    }
}

/// Golden sets are the originals' words, not ours.
fn is_taken_over(path: &str) -> bool {
    path.starts_with("tests/golden/") || path == "Cargo.lock"
}

impl Source {
    /// Nothing for what is no text, or was removed and is still in git's index.
    fn read(workspace: &Workspace, path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(workspace.root().join(path)).ok()?;
        Some(Self { path: path.into(), text })
    }

    /// The crate that the file belongs to.
    pub(super) fn package(&self) -> Option<&str> {
        let below = self.path.strip_prefix("crates").ok()?;
        below.iter().next()?.to_str()
    }

    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(Path::new(folder))
    }

    /// Its tokens: no comment, and every literal in one piece.
    pub(super) fn tokens(&self) -> TokenStream {
        // What does not parse is the compiler's to report.
        self.text.parse().unwrap_or_default()
    }
}

#[cfg(test)]
impl Sources {
    pub(super) fn of(files: Vec<Source>) -> Self {
        Self(files)
    }
}

#[cfg(test)]
impl Source {
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.to_owned() }
    }
}
