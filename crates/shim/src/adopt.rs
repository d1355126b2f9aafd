//! Layers that a Linux containerd unpacked, as layers that the engine can mount.
//!
//! The work is the command line's (`transom containerd adopt-layers`), which knows images: a shim
//! lives as long as its pod, and stays small. The program is asked once per container and answers
//! from what it has made before.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::error::{Error, Result};

/// The command line, which is installed beside the shim.
const PROGRAM: &str = "transom";

/// Folders of layers, in the order of `unpacked`.
pub(crate) async fn layers(unpacked: &[String]) -> Result<Vec<String>> {
    let program = program();
    let output = Command::new(&program)
        .args(["containerd", "adopt-layers", "--"])
        .args(unpacked)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.map_err(|error| {
        Error::Failed(format!("cannot start `{}`, which adopts layers: {error}", program.display()))
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("transom: ");
        return Err(Error::Failed(format!("cannot use the image's layers: {said}")));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::Failed(format!("cannot read what adopting layers gave: {error}")))
}

fn program() -> PathBuf {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(&name));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}
