//! Where the workspace's folders are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::Shell;

/// The root of the checkout, and what hangs from it.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds it by the manifest that cargo is running.
    pub(crate) fn locate() -> anyhow::Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("start this as `cargo xtask`: CARGO_MANIFEST_DIR is not set")?;
        let root = Path::new(&manifest)
            .ancestors()
            .nth(2)
            .context("xtask is not two folders below the root")?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What `cargo xtask build` makes.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("target/dist")
    }

    /// A shell that stands in the root.
    pub(crate) fn shell(&self) -> anyhow::Result<Shell> {
        let shell = Shell::new()?;
        shell.change_dir(&self.root);
        Ok(shell)
    }
}
