//! Writing a cache to a folder or a registry.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use image::{CacheRecord, Descriptor, Hold, Store};
use serde_json::json;

use super::config::{MEDIA_TYPE, configuration};
use super::{CacheError, CacheFault, CacheTo, MANIFEST, Place, REF_NAME, Result, io};
use crate::blocking;

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
    enlist(folder, tag, manifest).await
}

/// Lets the layout's index name a manifest, whoever else lets it name others meanwhile.
async fn enlist(folder: &Path, tag: &str, manifest: &Descriptor) -> Result<()> {
    let lock = folder.join("index.json.lock");
    let path = lock.clone();
    let locked = blocking(move || {
        let file = File::create(&path)?;
        file.lock().map(|()| file)
    });
    let _turn = locked.await.map_err(io(&lock))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_that_write_to_one_folder_each_is_in_its_index() {
        let dir = tempfile::tempdir().unwrap();
        let digest = image::Digest::of(b"x").to_string();
        let manifest = json!({ "mediaType": MANIFEST, "digest": digest, "size": 1 });
        let manifest: Descriptor = serde_json::from_value(manifest).unwrap();
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..16 {
            let (folder, manifest) = (dir.path().to_owned(), manifest.clone());
            writers.spawn(async move { enlist(&folder, &format!("t{number}"), &manifest).await });
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap().unwrap();
        }
        let index = std::fs::read(dir.path().join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        assert_eq!(index["manifests"].as_array().map(Vec::len), Some(16), "{index}");
    }
}
