//! `cargo xtask goldens <folder>`: takes over cases made by the original implementations.
//!
//! How they are made is told beside them; this only copies them into `tests/golden`, replacing
//! the sets of the same name.

use std::path::Path;

use anyhow::{Context, ensure};
use xshell::cmd;

use crate::workspace::Workspace;

const FAMILIES: &[&str] = &["hcs", "moby"];

/// Copies the families that `from` has; one that has none is refused.
pub(crate) fn copy(workspace: &Workspace, from: &Path) -> anyhow::Result<()> {
    let found: Vec<_> = FAMILIES.iter().filter(|family| from.join(family).is_dir()).collect();
    ensure!(!found.is_empty(), "{} has neither hcs/ nor moby/ in it", from.display());
    let shell = workspace.shell()?;
    for family in found {
        let source = from.join(family);
        let target = workspace.root().join("tests/golden").join(family);
        std::fs::create_dir_all(&target)
            .with_context(|| format!("cannot make {}", target.display()))?;
        let contents = source.join(".");
        cmd!(shell, "cp --recursive {contents} {target}").run()?;
    }
    Ok(())
}
