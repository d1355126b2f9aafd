//! Layers that another program unpacked on this host, adopted as layers of ours.
//!
//! A Linux containerd applies a Windows layer's archive literally: `Files/`, `Hives/` and
//! `UtilityVM/` in a folder, names as the archive spells them, links that lead to `C:\...`, files
//! that nobody may read. Here such folders become what [`unpack`](super::unpack) would have made,
//! without copying: files are hard links to the other program's, so that disk and page cache hold
//! them once. They are given the modes that a container can read; nothing else of them is changed.
//!
//! ```text
//! $ROOT/containerd/lock            held while one is adopted
//! $ROOT/containerd/layers/<key>/   fs, hives, registry as in every layer; adopted.json
//! ```
//!
//! The key names the folder and all below it, by path, inode and time of birth. An adopted layer is
//! removed by the next adoption after its original is gone: containerd keeps a layer for as long as
//! a container stands on it.
//!
//! What is lost: alternate data streams and Windows' attributes, which the other program dropped.

mod file;
mod record;
mod walk;

use engine::os::unix::fs::DirBuilderExt;
use std::fs::{self, DirBuilder, File};
use std::path::{Path, PathBuf};

use record::{Origin, Record};

use crate::error::{Error, IoContext, Result};

/// What a Windows layer has at its top.
const PARTS: [&str; 3] = ["Files", "Hives", "UtilityVM"];

/// Adopts `unpacked`, nearest parent first, and gives the folders in the same order. `root` is where
/// everything that lasts is; `fold` is the platform layer's drive, whose spelling of names comes
/// first.
pub fn adopt(root: &Path, unpacked: &[PathBuf], fold: &Path) -> Result<Vec<PathBuf>> {
    let home = root.join("containerd");
    let layers = home.join("layers");
    fs::create_dir_all(&layers).at("make", &layers)?;
    let lock = home.join("lock");
    let held = File::create(&lock).at("open", &lock)?;
    held.lock().at("lock", &lock)?;
    let (mut adopted, mut below): (Vec<PathBuf>, Option<String>) = (Vec::new(), None);
    for original in unpacked.iter().rev() {
        let origin = Origin::of(original)?;
        let key = origin.key(below.as_deref());
        let folder = layers.join(&key);
        if !Record::is_in(&folder) {
            sweep(&layers);
            let making = layers.join(format!(".new-{key}"));
            make(original, &making, fold, &adopted)
                .and_then(|()| Record { origin }.write(&making))
                .and_then(|()| fs::rename(&making, &folder).at("put in place", &folder))
                .inspect_err(|_| {
                    // It is swept by the next adoption otherwise.
                    let _ = fs::remove_dir_all(&making);
                })?;
        }
        adopted.push(folder);
        below = Some(key);
    }
    adopted.reverse();
    Ok(adopted)
}

/// Fills `making`; `below` is what was adopted so far, the base first.
fn make(original: &Path, making: &Path, fold: &Path, below: &[PathBuf]) -> Result<()> {
    check_is_layer(original)?;
    for name in ["", "fs", "hives"] {
        let dir = making.join(name);
        DirBuilder::new().mode(0o755).create(&dir).at("make", &dir)?;
    }
    let parents: Vec<PathBuf> = below.iter().map(|layer| layer.join("fs")).collect();
    walk::files(original, making, fold, &parents)?;
    walk::hives(original, making)
}

/// A folder of a Linux image has other names at its top.
fn check_is_layer(original: &Path) -> Result<()> {
    for entry in fs::read_dir(original).at("list", original)? {
        let name = entry.at("list", original)?.file_name();
        if !PARTS.iter().any(|part| name == *part) {
            return Err(Error::Layer {
                layer: original.display().to_string(),
                rule: format!(
                    "`{}` is no part of a Windows layer, which has Files, Hives and UtilityVM: \
                     only windows/amd64 images run here",
                    name.display()
                ),
            });
        }
    }
    Ok(())
}

/// Removes what was left half-made, and what has lost its original. Under the lock.
fn sweep(layers: &Path) {
    for entry in fs::read_dir(layers).into_iter().flatten().flatten() {
        let folder = entry.path();
        if !Record::read(&folder).is_some_and(|record| record.origin.is_there()) {
            // One that cannot be removed is tried again by the next adoption.
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests;
