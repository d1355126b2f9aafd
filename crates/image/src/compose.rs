//! Putting an image together out of layers and a configuration: for `transom/base`, for loading
//! docker archives, for commits and for builds.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use oci_spec::image::{Descriptor, DescriptorBuilder, ImageManifestBuilder, MediaType};
use sha2::{Digest as _, Sha256};

use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::image::Image;
use crate::name::ImageName;
use crate::store::Store;
use crate::store::lock::Lock;

/// A layer in the store that no image has yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLayer {
    /// Its blob.
    pub descriptor: Descriptor,
    /// The digest of the archive in it.
    pub diff_id: Digest,
}

/// While it is held, nothing is pruned: what is added belongs to nobody until an image has it.
#[derive(Debug)]
pub struct Hold {
    _adding: Lock,
}

impl Store {
    /// Keeps what is added from being pruned before an image has it.
    pub async fn hold(&self) -> Result<Hold> {
        self.blocking(|store| Ok(Hold { _adding: store.lock_adding()? })).await
    }

    /// Stores the layer archive that `write` writes, compressed.
    pub async fn add_layer(
        &self,
        _hold: &Hold,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Result<NewLayer> {
        self.blocking(move |store| store.add_layer_sync(write)).await
    }

    /// Stores an image of these layers, base first, and gives it `name` if there is one. The
    /// configuration's diff ids are those of the layers.
    pub async fn create_image(
        &self,
        _hold: &Hold,
        mut config: ImageConfig,
        layers: Vec<NewLayer>,
        name: Option<&str>,
    ) -> Result<Image> {
        let name = name.map(crate::store::images::taggable).transpose()?;
        config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let layers = layers.into_iter().map(|layer| layer.descriptor).collect();
        self.blocking(move |store| {
            let bytes = serde_json::to_vec(&config).map_err(Error::json("image configuration"))?;
            store.compose(&bytes, layers, name)
        })
        .await
    }

    fn add_layer_sync(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<NewLayer> {
        let encoder = GzEncoder::new(self.new_blob()?, Compression::new(6));
        let mut hashing = Hashing { inner: encoder, hasher: Sha256::new() };
        write(&mut hashing).map_err(stream("write a layer"))?;
        let diff_id = Digest::from_hasher(hashing.hasher);
        let writer = hashing.inner.finish().map_err(stream("compress a layer"))?;
        let (digest, size) = writer.commit(self, None, None)?;
        let descriptor = describe(MediaType::ImageLayerGzip, &digest, size);
        Ok(NewLayer { descriptor, diff_id })
    }

    /// Stores a configuration as it is, and the manifest of an image of it.
    pub(crate) fn compose(
        &self,
        config: &[u8],
        layers: Vec<Descriptor>,
        name: Option<ImageName>,
    ) -> Result<Image> {
        let digest = self.put_blob(config)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(describe(MediaType::ImageConfig, &digest, config.len() as u64))
            .layers(layers)
            .build()
            .expect("every member that a manifest must have is there");
        let bytes = serde_json::to_vec(&manifest).map_err(Error::json("manifest"))?;
        let digest = self.put_blob(&bytes)?;
        let descriptor = describe(MediaType::ImageManifest, &digest, bytes.len() as u64);
        self.change_index(|index| {
            index.add(descriptor)?;
            index.names.extend(name.map(|name| (name, digest.clone())));
            self.image_of(index, &digest)
        })
    }
}

pub(crate) fn describe(media_type: MediaType, digest: &Digest, size: u64) -> Descriptor {
    let digest: oci_spec::image::Digest =
        digest.as_str().parse().expect("a digest of ours is one of theirs");
    DescriptorBuilder::default()
        .media_type(media_type)
        .digest(digest)
        .size(size)
        .build()
        .expect("every member that a descriptor must have is there")
}

/// Hashes what goes through it.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
