//! Scratches, and what of them goes into a document.

use std::path::{Path, PathBuf};

use schema::SystemId;
use schema::container::Layer;

use super::client::blocking;
use super::scratch;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use crate::storage::{Mounted, Storage, registry_of};

impl Storage for HostEngine {
    async fn create_scratch(
        &self,
        scratch: &Path,
        layers: &[PathBuf],
        size: Option<u64>,
    ) -> Result<()> {
        let make = async {
            check_layers(layers)?;
            let platform = self.platform().await?;
            let registry = registry_of(layers, &platform.key).unwrap_or(platform.registry);
            let path = scratch.to_owned();
            blocking(move || scratch::create(&path, &registry, size)).await
        };
        make.await.map_err(|kind| failed(scratch, kind))
    }

    /// Nothing is mounted on the host: a silo mounts for itself.
    async fn mount(
        &self,
        _system: &SystemId,
        scratch: &Path,
        layers: &[PathBuf],
    ) -> Result<Mounted> {
        let check = || {
            check_layers(layers)?;
            let path = text(scratch)?;
            let layers = layers
                .iter()
                .map(|layer| Ok(Layer { id: layer_id(layer), path: text(layer)? }))
                .collect::<std::result::Result<_, ErrorKind>>()?;
            Ok(Mounted { path, layers })
        };
        check().map_err(|kind| failed(scratch, kind))
    }

    async fn unmount(&self, _scratch: &Path) -> Result<()> {
        Ok(())
    }

    async fn destroy_scratch(&self, scratch: &Path) -> Result<()> {
        let path = scratch.to_owned();
        blocking(move || scratch::destroy(&path)).await.map_err(|kind| failed(scratch, kind))
    }
}

fn check_layers(layers: &[PathBuf]) -> std::result::Result<(), ErrorKind> {
    match layers.iter().find(|layer| !layer.join("fs").is_dir()) {
        None => Ok(()),
        Some(bad) => Err(ErrorKind::InvalidDocument {
            field: "layers".into(),
            value: bad.display().to_string(),
            rule: "there is no layer with an `fs` there".into(),
        }),
    }
}

/// A GUID made from the path's last element: of version 5, as `NameToGuid` makes them.
fn layer_id(layer: &Path) -> String {
    let name = layer.file_name().unwrap_or_default();
    uuid::Uuid::new_v5(&uuid::Uuid::nil(), name.as_encoded_bytes()).to_string()
}

fn text(path: &Path) -> std::result::Result<String, ErrorKind> {
    path.to_str().map(str::to_owned).ok_or_else(|| ErrorKind::InvalidDocument {
        field: "path".into(),
        value: path.display().to_string(),
        rule: "a document's paths are UTF-8".into(),
    })
}

fn failed(scratch: &Path, kind: ErrorKind) -> EngineError {
    EngineError::new(Op::Storage, scratch.display(), kind)
}
