//! Image layers, set up by the Host Compute Service: see [`crate::layering`].
//!
//! `computestorage.dll` imports and removes, `vmcompute.dll` processes a base layer: it makes the
//! empty disks that every scratch over it begins as. All of it needs the right to back up and to
//! restore files, which an administrator has and must switch on.

mod privileges;
mod storage;

use std::io;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::layers;
use super::operation::Failed;
use super::os::fs::restore;
use super::storage::{NOT_YET_OR_LOOKED_AT as PASSING, patiently};
use crate::error::ErrorKind;
use crate::layering::Restored;
use crate::os::fd::AsFd;

pub(super) use privileges::take as take_privileges;

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Service(());

/// It is part of Windows; a call tells when its feature is not installed.
pub fn service() -> Option<Service> {
    Some(Service(()))
}

impl Service {
    /// Makes a layer over `parents`, the nearest first, of an import folder.
    pub fn import(&self, layer: &Path, source: &Path, parents: &[PathBuf]) -> io::Result<()> {
        privileges::take()?;
        let data = storage::data(parents).map_err(told)?;
        patiently(&PASSING, || storage::import(layer, source, &data)).map_err(told)
    }

    /// Makes a base layer of restored files one that scratches and layers can stand on.
    pub fn set_up_base(&self, layer: &Path) -> io::Result<()> {
        privileges::take()?;
        patiently(&PASSING, || layers::process_base(layer)).map_err(told)
    }

    /// Removes a layer, or what there is of one. One that is gone is a success.
    pub fn destroy(&self, layer: &Path) -> io::Result<()> {
        if !layer.exists() {
            return Ok(());
        }
        privileges::take()?;
        patiently(&PASSING, || storage::destroy(layer)).map_err(told)
    }

    /// Gives what is at `path` beneath `root` all of this; no link is followed.
    pub fn restore(&self, root: &impl AsFd, path: &str, to: &Restored<'_>) -> io::Result<()> {
        privileges::take()?;
        restore::restore(root.as_fd(), path, to)
    }

    /// Takes a file, link or empty folder beneath `root` away; one that is not there is a success.
    pub fn remove(&self, root: &impl AsFd, path: &str) -> io::Result<()> {
        privileges::take()?;
        restore::remove(root.as_fd(), path)
    }

    /// The binary form of a security descriptor in Windows' text form.
    pub fn descriptor(&self, sddl: &str) -> io::Result<Vec<u8>> {
        Ok(Access::of(sddl)?.bytes())
    }
}

fn told(failed: Failed) -> io::Error {
    io::Error::other(ErrorKind::from(failed))
}
