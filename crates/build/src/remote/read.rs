//! Reading a cache from a folder or a registry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{Descriptor, Digest, Hold, NewLayer, Store};
use serde_json::{Value, json};

use super::config::{Config, config_of};
use super::{CacheError, CacheFault, Place, REF_NAME, Result, io};

/// An index of a folder, or a configuration, is never anywhere near this.
const LARGEST: u64 = 64 << 20;

/// What a cache outside the store has.
#[derive(Debug)]
pub(crate) struct Remote {
    place: Place,
    layers: BTreeMap<Digest, (NewLayer, String)>,
}

impl Remote {
    /// Reads what a cache has, and nothing of the layers yet.
    pub(crate) async fn open(
        images: &Store,
        hold: &Hold,
        place: &Place,
    ) -> std::result::Result<Self, CacheError> {
        let failed = |cause| CacheError { place: place.to_string(), cause };
        let config = read(images, hold, place).await.map_err(failed)?;
        let mut layers = BTreeMap::new();
        for record in config.records {
            let Some(result) = record.results.first() else { continue };
            let Some(layer) = config.layers.get(result.layer) else { continue };
            let descriptor = json!({
                "mediaType": layer.annotations.media_type,
                "digest": layer.blob,
                "size": layer.annotations.size,
            });
            let Ok(descriptor) = serde_json::from_value(descriptor) else { continue };
            let layer = NewLayer { descriptor, diff_id: layer.annotations.diff_id.clone() };
            layers.insert(record.digest, (layer, result.created_at.clone()));
        }
        Ok(Self { place: place.clone(), layers })
    }

    /// The layer of a key, brought into the store.
    pub(crate) async fn fetch(
        &self,
        images: &Store,
        hold: &Hold,
        key: &Digest,
    ) -> image::Result<Option<(NewLayer, String)>> {
        let Some((layer, created)) = self.layers.get(key) else { return Ok(None) };
        let there = match &self.place {
            Place::Folder(folder, _) => {
                let file = folder.join("blobs/sha256").join(layer.descriptor.digest().digest());
                images.copy_in(hold, &layer.descriptor, &file).await?
            }
            Place::Registry(name) => {
                images.fetch_part(hold, name, &layer.descriptor).await.map(|()| true)?
            }
            Place::Inline => false,
        };
        Ok(there.then(|| (layer.clone(), created.clone())))
    }
}

async fn read(images: &Store, hold: &Hold, place: &Place) -> Result<Config> {
    match place {
        Place::Inline => Ok(Config::default()),
        Place::Folder(folder, tag) => {
            let index: Value = serde_json::from_slice(&file(&folder.join("index.json")).await?)?;
            let all = index["manifests"].as_array().into_iter().flatten();
            let tagged = |entry: &&Value| entry["annotations"][REF_NAME] == tag.as_str();
            let entry = all.into_iter().find(tagged);
            let entry = entry.ok_or_else(|| CacheFault::Missing(format!("no tag {tag}")))?;
            let blob = |descriptor: &Value| {
                let digest = descriptor["digest"].as_str().unwrap_or_default();
                let digest: Digest = digest.parse()?;
                Ok::<_, CacheFault>((folder.join("blobs/sha256").join(digest.hex()), digest))
            };
            let manifest: Value = serde_json::from_slice(&verified(blob(entry)?).await?)?;
            config_of(&manifest, &verified(blob(&manifest["config"])?).await?)
        }
        Place::Registry(name) => {
            let (bytes, _) = images.fetch_manifest(name).await?;
            let mut manifest: Value = serde_json::from_slice(&bytes)?;
            // An image with what is attested of it.
            if let Some(first) = manifest["manifests"][0]["digest"].as_str() {
                let (bytes, _) = images.fetch_manifest(&name.by_digest(&first.parse()?)).await?;
                manifest = serde_json::from_slice(&bytes)?;
            }
            let config: Descriptor = serde_json::from_value(manifest["config"].clone())?;
            if config.size() > LARGEST {
                return Err(CacheFault::Missing("its configuration is too large".to_owned()));
            }
            images.fetch_part(hold, name, &config).await?;
            let bytes = images.document(&Digest::try_from(config.digest())?).await?;
            config_of(&manifest, &bytes)
        }
    }
}

async fn verified((path, digest): (PathBuf, Digest)) -> Result<Vec<u8>> {
    let bytes = file(&path).await?;
    if Digest::of(&bytes) == digest {
        return Ok(bytes);
    }
    Err(CacheFault::Missing(format!("{} is not what its name promises", path.display())))
}

async fn file(path: &Path) -> Result<Vec<u8>> {
    let size = tokio::fs::metadata(path).await.map_err(io(path))?.len();
    if size > LARGEST {
        return Err(CacheFault::Missing(format!("{} is too large", path.display())));
    }
    tokio::fs::read(path).await.map_err(io(path))
}
