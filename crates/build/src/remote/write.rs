//! Writing a cache to a folder or a registry.

use std::io::ErrorKind;
use std::path::Path;

use image::{CacheRecord, Descriptor, Hold, Store};
use serde_json::json;

use super::config::{MEDIA_TYPE, configuration};
use super::{CacheError, CacheFault, CacheTo, MANIFEST, Place, REF_NAME, Result, io};

impl CacheTo {
    /// Writes the cache; one inside an image is written with it.
    pub(crate) async fn write(
        &self,
        images: &Store,
        hold: &Hold,
        records: &[CacheRecord],
    ) -> std::result::Result<(), CacheError> {
        let failed = |cause| CacheError { place: self.place.to_string(), cause };
        self.put(images, hold, records).await.map_err(failed)
    }

    async fn put(&self, images: &Store, hold: &Hold, records: &[CacheRecord]) -> Result<()> {
        let config = serde_json::to_vec(&configuration(records))?;
        let config = images.add_document(hold, MEDIA_TYPE, config).await?;
        let mut blobs: Vec<Descriptor> = Vec::new();
        for record in records {
            if !blobs.contains(&record.layer.descriptor) {
                blobs.push(record.layer.descriptor.clone());
            }
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": blobs,
        });
        let bytes = serde_json::to_vec(&manifest)?;
        let manifest = images.add_document(hold, MANIFEST, bytes).await?;
        blobs.push(config);
        match &self.place {
            Place::Inline => Ok(()),
            Place::Registry(name) => {
                Ok(images.push_artifact(hold, name, &manifest, &blobs).await?)
            }
            Place::Folder(folder, tag) => {
                blobs.push(manifest.clone());
                layout(images, folder, tag, &manifest, &blobs).await
            }
        }
    }
}

async fn layout(
    images: &Store,
    folder: &Path,
    tag: &str,
    manifest: &Descriptor,
    blobs: &[Descriptor],
) -> Result<()> {
    let all = folder.join("blobs/sha256");
    tokio::fs::create_dir_all(&all).await.map_err(io(&all))?;
    for blob in blobs {
        images.copy_out(blob, &all.join(blob.digest().digest())).await?;
    }
    let path = folder.join("index.json");
    let mut index = match tokio::fs::read(&path).await {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        }),
        Err(error) => return Err(io(&path)(error)),
    };
    let mut entry = serde_json::to_value(manifest)?;
    entry["annotations"] = json!({ REF_NAME: tag });
    let manifests = index["manifests"].as_array_mut();
    let manifests = manifests.ok_or_else(|| CacheFault::Missing("its manifests".to_owned()))?;
    manifests.retain(|other| other["annotations"][REF_NAME] != tag);
    manifests.push(entry);
    for (name, text) in [
        ("oci-layout", json!({ "imageLayoutVersion": "1.0.0" })),
        // Last: what it names is there.
        ("index.json", index),
    ] {
        let (path, draft) = (folder.join(name), folder.join(format!(".{name}.new")));
        tokio::fs::write(&draft, text.to_string()).await.map_err(io(&draft))?;
        tokio::fs::rename(&draft, &path).await.map_err(io(&path))?;
    }
    Ok(())
}
