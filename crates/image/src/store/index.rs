//! `images.json`: which images are here and what they are called.
//!
//! Readers take the file as it is; it is only ever replaced as a whole. Who changes it holds the
//! lock from before the reading to after the writing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};

use jiff::Timestamp;
use oci_spec::image::Descriptor;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Store;
use super::blobs::sync_dir;
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::name::ImageName;

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    /// By the digest of the manifest.
    pub(crate) images: BTreeMap<Digest, Record>,
    /// Names by tag and names by digest, canonical.
    pub(crate) names: BTreeMap<ImageName, Digest>,
}

/// One image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its manifest.
    pub(crate) manifest: Descriptor,
    /// When it came here.
    pub(crate) added: Timestamp,
    /// The index that it was made with, for it and what is attested of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) whole: Option<Descriptor>,
}

impl Index {
    /// Takes in an image; one that is known keeps its date.
    pub(crate) fn add(&mut self, manifest: Descriptor) -> Result<Digest> {
        let digest = Digest::try_from(manifest.digest())?;
        self.images.entry(digest.clone()).or_insert_with(|| Record {
            manifest,
            added: Timestamp::now(),
            whole: None,
        });
        Ok(digest)
    }

    /// The same for an image that has an index around it, which takes the place of an older one.
    pub(crate) fn add_whole(
        &mut self,
        manifest: Descriptor,
        whole: Option<Descriptor>,
    ) -> Result<Digest> {
        let digest = self.add(manifest)?;
        if let (Some(record), Some(_)) = (self.images.get_mut(&digest), &whole) {
            record.whole = whole;
        }
        Ok(digest)
    }

    /// The names of one image.
    pub(crate) fn names_of(&self, manifest: &Digest) -> Vec<ImageName> {
        self.names.iter().filter(|(_, d)| *d == manifest).map(|(name, _)| name.clone()).collect()
    }
}

impl Store {
    pub(crate) fn read_index(&self) -> Result<Index> {
        let path = self.path("images.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(Error::json(format!("list of images `{}`", path.display()))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Index::default()),
            Err(e) => Err(e).at("read", &path),
        }
    }

    /// Changes the index, or leaves it as it was when `change` fails.
    pub(crate) fn change_index<T>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T>,
    ) -> Result<T> {
        let _lock = self.lock_index()?;
        let mut index = self.read_index()?;
        let answer = change(&mut index)?;
        let path = self.path("images.json");
        let bytes = serde_json::to_vec_pretty(&index).map_err(Error::json("list of images"))?;
        let mut file = NamedTempFile::new_in(self.root()).at("make a file in", self.root())?;
        file.write_all(&bytes).at("write", &path)?;
        file.as_file().sync_all().at("write", &path)?;
        file.persist(&path).map_err(|e| e.error).at("replace", &path)?;
        sync_dir(&path)?;
        Ok(answer)
    }
}
