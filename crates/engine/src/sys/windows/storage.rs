//! Scratches: `sandbox.vhdx` files that a filter driver puts over the image's layers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schema::SystemId;
use schema::container::Layer;

use super::operation::{self, Failed};
use super::{layering, layers};
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use crate::storage::{Mounted, Storage};

/// The disk of a scratch.
const DISK: &str = "sandbox.vhdx";
/// How often a scratch that is not ready is tried.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(100);
/// `ERROR_NOT_READY`, `ERROR_DEVICE_NOT_CONNECTED`: what passes.
const NOT_YET: [u32; 2] = [21, 1167];
/// And `ERROR_SHARING_VIOLATION`, where only a scanner that looks at new files can be meant.
pub(super) const NOT_YET_OR_LOOKED_AT: [u32; 3] = [21, 1167, 32];
/// A file or a folder that is not there.
const ABSENT: [u32; 2] = [2, 3];

impl Storage for HostEngine {
    async fn create_scratch(
        &self,
        scratch: &Path,
        parents: &[PathBuf],
        size: Option<u64>,
    ) -> Result<()> {
        let (path, parents) = (scratch.to_owned(), parents.to_vec());
        on_disk(scratch, move || {
            layers::create_scratch(&path, &parents)?;
            let Some(size) = size else { return Ok(()) };
            layers::expand(&path, size).inspect_err(|_| {
                // The first failure is the one to tell.
                if let Err(failed) = destroy(&path) {
                    let error = ErrorKind::from(failed);
                    tracing::warn!(path = %path.display(), %error, "half a scratch is left");
                }
            })
        })
        .await
    }

    async fn mount(
        &self,
        _system: &SystemId,
        scratch: &Path,
        parents: &[PathBuf],
    ) -> Result<Mounted> {
        let (path, parents) = (scratch.to_owned(), parents.to_vec());
        on_disk(scratch, move || {
            if !path.join(DISK).is_file() {
                layers::create_scratch(&path, &parents)?;
            }
            prepare(&path, &parents)?;
            describe(&path, &parents).inspect_err(|_| {
                // As above.
                let _ = give_back(&path);
            })
        })
        .await
    }

    async fn unmount(&self, scratch: &Path) -> Result<()> {
        let path = scratch.to_owned();
        on_disk(scratch, move || give_back(&path)).await
    }

    async fn destroy_scratch(&self, scratch: &Path) -> Result<()> {
        let path = scratch.to_owned();
        on_disk(scratch, move || {
            if !path.exists() {
                return Ok(());
            }
            absent_is_fine(destroy(&path))
        })
        .await
    }
}

async fn on_disk<T: Send + 'static>(
    scratch: &Path,
    work: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> Result<T> {
    let done = operation::blocking(work).await;
    done.map_err(|failed| EngineError::new(Op::Storage, scratch.display(), failed))
}

/// Activates and prepares; what passes is waited for.
fn prepare(scratch: &Path, parents: &[PathBuf]) -> Result<(), Failed> {
    patiently(&NOT_YET, || prepare_once(scratch, parents))
}

/// Tries again what fails with one of these, which pass.
pub(super) fn patiently(
    passing: &[u32],
    mut work: impl FnMut() -> Result<(), Failed>,
) -> Result<(), Failed> {
    for _ in 1..TRIES {
        match work() {
            Err(failed) if is(&failed, passing) => std::thread::sleep(BETWEEN),
            settled => return settled,
        }
    }
    work()
}

fn prepare_once(scratch: &Path, parents: &[PathBuf]) -> Result<(), Failed> {
    layers::activate(scratch)?;
    layers::prepare(scratch, parents).inspect_err(|_| {
        // The first failure is the one to tell.
        let _ = layers::deactivate(scratch);
    })
}

fn describe(scratch: &Path, parents: &[PathBuf]) -> Result<Mounted, Failed> {
    let mut path = layers::volume(scratch)?;
    if !path.ends_with('\\') {
        path.push('\\');
    }
    let layer = |parent: &PathBuf| {
        let path = parent.to_str().ok_or_else(|| ErrorKind::InvalidDocument {
            field: "path".into(),
            value: parent.display().to_string(),
            rule: "a document's paths are Unicode".into(),
        })?;
        Ok(Layer { id: layers::name(parent)?, path: path.to_owned() })
    };
    let layers = parents.iter().map(layer).collect::<Result<_, Failed>>()?;
    Ok(Mounted { path, layers })
}

fn destroy(scratch: &Path) -> Result<(), Failed> {
    let _rights = layering::take_rights().map_err(|error| ErrorKind::io("prepare", error))?;
    layers::destroy(scratch)
}

fn give_back(scratch: &Path) -> Result<(), Failed> {
    if !scratch.exists() {
        return Ok(());
    }
    absent_is_fine(layers::unprepare(scratch))?;
    absent_is_fine(layers::deactivate(scratch))
}

/// What is not mounted needs no unmounting.
fn absent_is_fine(result: Result<(), Failed>) -> Result<(), Failed> {
    match result {
        Err(failed) if is(&failed, &ABSENT) || is(&failed, &NOT_YET) => Ok(()),
        other => other,
    }
}

fn is(failed: &Failed, errors: &[u32]) -> bool {
    let Failed::Refused(refusal) = failed else { return false };
    refusal.win32().is_some_and(|error| errors.contains(&error))
}
