//! Putting an image together out of layers and a configuration: for `transom/base`, for loading
//! docker archives, for commits and for builds.

use std::io::{self, Write};

use jiff::Timestamp;
use oci_spec::image::{Descriptor, DescriptorBuilder, ImageManifestBuilder, MediaType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::attest;
use crate::compress::{Compression, Encoder};
use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::image::{Image, digest_of};
use crate::layer::decompressed;
use crate::name::ImageName;
use crate::store::Store;
use crate::store::index::{Index, Record};
use crate::store::lock::Lock;

/// A layer in the store that no image has yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        compression: Compression,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Result<NewLayer> {
        self.blocking(move |store| store.add_layer_sync(compression, write)).await
    }

    /// The same layer compressed in another way; one that is of this type already stays as it is,
    /// unless the `level` counts.
    pub async fn recompress(
        &self,
        _hold: &Hold,
        layer: &NewLayer,
        compression: Compression,
        level: bool,
    ) -> Result<NewLayer> {
        let layer = layer.clone();
        self.blocking(move |store| {
            let same = *layer.descriptor.media_type() == compression.media_type();
            if same && !(level && compression.has_level()) {
                return Ok(layer);
            }
            let blob = store.open_blob(&digest_of(&layer.descriptor)?)?;
            let again = store.add_layer_sync(compression, |out| {
                io::copy(&mut decompressed(blob)?, out).map(drop)
            })?;
            if again.diff_id == layer.diff_id {
                return Ok(again);
            }
            let what = format!("the content of layer {}", layer.diff_id.short());
            Err(Error::WrongDigest { what, expected: layer.diff_id, actual: again.diff_id })
        })
        .await
    }

    /// Stores an image of these layers, base first, and gives it `name` if there is one. The
    /// configuration's diff ids are those of the layers.
    pub async fn create_image(
        &self,
        hold: &Hold,
        config: ImageConfig,
        layers: Vec<NewLayer>,
        name: Option<&str>,
    ) -> Result<Image> {
        let name = name.map(crate::store::images::taggable).transpose()?;
        let image = self.draft_image(hold, config, layers, &Map::new()).await?;
        self.keep_image(hold, &image, name.into_iter().collect()).await
    }

    /// Stores the documents of an image that is in no list: it is there while it is held.
    pub async fn draft_image(
        &self,
        _hold: &Hold,
        mut config: ImageConfig,
        layers: Vec<NewLayer>,
        annotations: &Map<String, Value>,
    ) -> Result<Image> {
        config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let layers = layers.into_iter().map(|layer| layer.descriptor).collect();
        let annotations = annotations.clone();
        self.blocking(move |store| {
            let bytes = serde_json::to_vec(&config).map_err(Error::json("image configuration"))?;
            store.draft(&bytes, layers, &annotations)
        })
        .await
    }

    /// Puts an index around an image, with a manifest of what is attested of it: statements, each
    /// with the type of its predicate.
    pub async fn attest(
        &self,
        _hold: &Hold,
        image: Image,
        statements: Vec<(String, Vec<u8>)>,
        annotations: &Map<String, Value>,
    ) -> Result<Image> {
        let annotations = annotations.clone();
        self.blocking(move |store| attest::wrap(store, &image, &statements, &annotations)).await
    }

    /// Puts an image into the list, with these names.
    pub async fn keep_image(
        &self,
        _hold: &Hold,
        image: &Image,
        names: Vec<ImageName>,
    ) -> Result<Image> {
        let (manifest, whole) = (image.manifest.clone(), image.whole.clone());
        self.blocking(move |store| {
            store.change_index(|index| {
                let digest = index.add_whole(manifest, whole)?;
                index.names.extend(names.into_iter().map(|name| (name, digest.clone())));
                store.image_of(index, &digest)
            })
        })
        .await
    }

    fn add_layer_sync(
        &self,
        compression: Compression,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<NewLayer> {
        let failed = || stream("compress a layer");
        let encoder = Encoder::new(self.new_blob()?, compression).map_err(failed())?;
        let mut hashing = Hashing { inner: encoder, hasher: Sha256::new() };
        write(&mut hashing).map_err(stream("write a layer"))?;
        let diff_id = Digest::from_hasher(hashing.hasher);
        let writer = hashing.inner.finish().map_err(failed())?;
        let (digest, size) = writer.commit(self, None, None)?;
        let descriptor = describe(compression.media_type(), &digest, size);
        Ok(NewLayer { descriptor, diff_id })
    }

    /// Stores a configuration as it is, and the manifest of an image of it.
    pub(crate) fn compose(
        &self,
        config: &[u8],
        layers: Vec<Descriptor>,
        name: Option<ImageName>,
    ) -> Result<Image> {
        let image = self.draft(config, layers, &Map::new())?;
        self.change_index(|index| {
            let digest = index.add(image.manifest)?;
            index.names.extend(name.map(|name| (name, digest.clone())));
            self.image_of(index, &digest)
        })
    }

    fn draft(
        &self,
        config: &[u8],
        layers: Vec<Descriptor>,
        annotations: &Map<String, Value>,
    ) -> Result<Image> {
        let digest = self.put_blob(config)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(describe(MediaType::ImageConfig, &digest, config.len() as u64))
            .layers(layers)
            .build()
            .expect("every member that a manifest must have is there");
        let mut manifest = serde_json::to_value(&manifest).map_err(Error::json("manifest"))?;
        if !annotations.is_empty() {
            manifest["annotations"] = Value::Object(annotations.clone());
        }
        let bytes = serde_json::to_vec(&manifest).map_err(Error::json("manifest"))?;
        let digest = self.put_blob(&bytes)?;
        let manifest = describe(MediaType::ImageManifest, &digest, bytes.len() as u64);
        let record = Record { manifest, added: Timestamp::now(), whole: None };
        Image::read(self, &Index::default(), &digest, &record)
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
