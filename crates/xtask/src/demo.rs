//! `cargo xtask demo`: from a host with only Rust on it to a Windows program in a container.

use xshell::cmd;

use crate::workspace::Workspace;
use crate::{build, host};

/// Installs, builds, runs.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    host::provide(&shell, &[host::BUILD, host::RUN])?;
    build::run(workspace)?;
    let transom = workspace.dist().join("bin/transom");
    let root = host::as_root()?;
    println!("\n$ transom run --rm transom/base cmd /c ver");
    cmd!(shell, "env {root...} {transom} run --rm transom/base cmd /c ver").quiet().run()?;
    Ok(())
}
