//! Leases: what a container runs on stays, whatever happens to the image's names.
//!
//! Taken before the layers are unpacked, so that there is no moment in which they are nobody's.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Store;
use super::index::{Index, Record};
use crate::compose::describe;
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::image::Image;

/// What one container needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// The manifest of its image.
    pub(crate) image: Digest,
    /// Chain ids of its layers.
    pub(crate) layers: BTreeSet<Digest>,
    /// Manifest, configuration and layers.
    pub(crate) blobs: BTreeSet<Digest>,
}

impl Store {
    /// Keeps `image` and its layers until [`Store::release`], for the container of this id.
    pub async fn lease(&self, container: &str, image: &Image) -> Result<()> {
        let lease = Lease {
            image: image.manifest_digest(),
            layers: image.chain_ids().into_iter().collect(),
            blobs: image.blobs(),
        };
        let container = container.to_owned();
        self.blocking(move |store| store.write_lease(&container, &lease)).await
    }

    /// The image that a container runs on, whatever became of its names.
    pub async fn leased_image(&self, container: &str) -> Result<Image> {
        let container = container.to_owned();
        self.blocking(move |store| {
            let path = store.lease_path(&container)?;
            let bytes = fs::read(&path).at("read", &path)?;
            let lease: Lease = serde_json::from_slice(&bytes)
                .map_err(Error::json(format!("lease `{}`", path.display())))?;
            let size = store.read_document(&lease.image)?.len() as u64;
            let manifest = describe(MediaType::ImageManifest, &lease.image, size);
            let record = Record { manifest, added: Timestamp::now(), whole: None };
            Image::read(store, &Index::default(), &lease.image, &record)
        })
        .await
    }

    /// Gives up what a container held. One that held nothing is a success.
    pub async fn release(&self, container: &str) -> Result<()> {
        let container = container.to_owned();
        self.blocking(move |store| {
            let path = store.lease_path(&container)?;
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(e).at("remove", &path),
                _ => Ok(()),
            }
        })
        .await
    }

    /// The ids of all containers that hold something.
    pub async fn leased(&self) -> Result<Vec<String>> {
        self.blocking(|store| {
            let dir = store.path("leases");
            let mut ids = Vec::new();
            for entry in fs::read_dir(&dir).at("list", &dir)? {
                let name = entry.at("list", &dir)?.file_name();
                ids.extend(name.to_str().and_then(|n| n.strip_suffix(".json")).map(str::to_owned));
            }
            Ok(ids)
        })
        .await
    }

    /// Every container's lease, by its id.
    pub(crate) fn leases(&self) -> Result<Vec<(String, Lease)>> {
        let dir = self.path("leases");
        let mut leases = Vec::new();
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let path = entry.at("list", &dir)?.path();
            let is_lease = path.extension().is_some_and(|e| e == "json");
            let Some(id) = path.file_stem().and_then(|s| s.to_str()).filter(|_| is_lease) else {
                continue;
            };
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                // Released meanwhile.
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e).at("read", &path),
            };
            let lease = serde_json::from_slice(&bytes)
                .map_err(Error::json(format!("lease `{}`", path.display())))?;
            leases.push((id.to_owned(), lease));
        }
        Ok(leases)
    }

    fn write_lease(&self, container: &str, lease: &Lease) -> Result<()> {
        let path = self.lease_path(container)?;
        // Under the lock an image that is there now is seen with its lease by whoever removes next.
        let _lock = self.lock_index()?;
        if !self.read_index()?.images.contains_key(&lease.image) {
            return Err(Error::NoSuchImage(lease.image.to_string()));
        }
        let bytes = serde_json::to_vec(lease).map_err(Error::json("lease"))?;
        let dir = self.path("leases");
        let mut file = NamedTempFile::new_in(&dir).at("make a file in", &dir)?;
        file.write_all(&bytes).at("write", &path)?;
        file.persist(&path).map_err(|e| e.error).at("replace", &path)?;
        Ok(())
    }

    fn lease_path(&self, container: &str) -> Result<PathBuf> {
        let id =
            schema::TaskId::new(container).map_err(|e| Error::invalid("lease", e.to_string()))?;
        Ok(self.path("leases").join(format!("{id}.json")))
    }
}
