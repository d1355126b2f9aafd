//! Layers on a host whose service sets them up: Windows, whose filter driver shows a container its
//! layers.
//!
//! ```text
//!            a base layer                          every other one
//! staged     fs/, hives/                           fs/, hives/
//!            empty hives where it has none         import/Files, import/Hives: the transport form
//! named      layers/<chain id>/Files, Hives        (not there yet)
//!            times, attributes, security, links
//! service    processed                             imported into layers/<chain id>
//!                                                  what was removed, links, times of folders
//! ```
//!
//! A layer is made under its own name: the service knows it by that. It is whole when `layer.json`
//! is in it; one without is removed by the next sweep, or at once when setting it up fails. Names
//! are not folded, since the file system knows no case.

mod base;
mod child;
mod files;
mod reparse;
mod stream;
mod transport;

use std::path::{Path, PathBuf};

use engine::layering::Service;

use super::stage::Staged;
use super::tree::Id;
use crate::error::{Error, IoContext, Result};

/// What a layer is set up upon.
pub(super) struct Ground<'a> {
    pub(super) service: Service,
    /// The layer's name in messages.
    pub(super) layer: &'a str,
    /// The layers below, nearest first.
    pub(super) parents: &'a [PathBuf],
}

/// A layer under its name and without its record. It is removed when this is dropped.
pub(super) struct Made {
    service: Service,
    folder: Option<PathBuf>,
}

impl Made {
    /// It is whole now.
    pub(super) fn keep(mut self) {
        self.folder = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = self.service.destroy(folder)
        {
            tracing::warn!(path = %folder.display(), %error, "an unfinished layer stays for the next sweep");
        }
    }
}

/// Sets `staged` up as `folder`; afterwards only its `layer.json` is missing.
pub(super) fn set_up(staged: &mut Staged, ground: &Ground<'_>, folder: &Path) -> Result<Made> {
    let _rights = ground.service.rights().at("set up", folder)?;
    // Under this name and without its record: nobody's work.
    ground.service.destroy(folder).at("remove", folder)?;
    let made = Made { service: ground.service, folder: Some(folder.to_owned()) };
    if ground.parents.is_empty() {
        base::set_up(staged, ground, folder)?;
    } else {
        child::set_up(staged, ground, folder)?;
        write_chain(ground.parents, folder)?;
    }
    Ok(made)
}

/// `layerchain.json`, which Windows' own tools for layers read: the layers below, nearest first.
fn write_chain(parents: &[PathBuf], folder: &Path) -> Result<()> {
    let bytes = serde_json::to_vec(parents).map_err(Error::json("list of a layer's parents"))?;
    let path = folder.join("layerchain.json");
    std::fs::write(&path, bytes).at("write", &path)
}

impl Ground<'_> {
    fn refused(&self, staged: &Staged, id: Id, rule: impl Into<String>) -> Error {
        Error::Entry {
            layer: self.layer.to_owned(),
            entry: super::settle::archive_path(&staged.tree.path(id)),
            rule: rule.into(),
        }
    }
}
