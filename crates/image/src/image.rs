//! One image of the store, read whole: its manifest, its configuration and its names.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde_json::{Value, json};

use crate::compose::NewLayer;
use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::name::ImageName;
use crate::platform::OsVersion;
use crate::store::Store;
use crate::store::index::{Index, Record};

/// An image that is here.
#[derive(Debug, Clone)]
pub struct Image {
    /// The digest of its configuration: what docker calls an image's id.
    pub id: Digest,
    /// Its manifest.
    pub manifest: Descriptor,
    /// The index around it, if it was made with one: it goes where the image goes.
    pub whole: Option<Descriptor>,
    /// Manifests beside it in that index: what is attested of it.
    pub attested: Vec<Descriptor>,
    /// Names by tag. None: the image is dangling.
    pub names: Vec<ImageName>,
    /// Names by digest, from registries that have it.
    pub digests: Vec<ImageName>,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its configuration's descriptor.
    pub config_descriptor: Descriptor,
    /// Its layers, base first.
    pub layers: Vec<Descriptor>,
    /// Bytes of each layer, unpacked where it is unpacked.
    pub sizes: Vec<u64>,
    /// All of them together.
    pub size: u64,
    /// When it came here.
    pub added: Timestamp,
    /// Everything that `attested` is made of.
    pub(crate) beside: Vec<Descriptor>,
}

impl Image {
    /// The digest of its manifest, which names it in the store.
    pub fn manifest_digest(&self) -> Digest {
        digest_of(&self.manifest).expect("the digest was read from the store's own index")
    }

    /// The chain ids of its layers, base first.
    pub fn chain_ids(&self) -> Vec<Digest> {
        let mut chain: Vec<Digest> = Vec::with_capacity(self.config.rootfs.diff_ids.len());
        for diff_id in &self.config.rootfs.diff_ids {
            chain.push(diff_id.chained(chain.last()));
        }
        chain
    }

    /// Its layers with the digests of what is in them, base first: what another image begins with.
    pub fn parts(&self) -> impl Iterator<Item = NewLayer> {
        let pairs = self.layers.iter().zip(&self.config.rootfs.diff_ids);
        pairs.map(|(descriptor, diff_id)| NewLayer {
            descriptor: descriptor.clone(),
            diff_id: diff_id.clone(),
        })
    }

    /// The Windows that it says it is for.
    pub fn os_version(&self) -> Option<OsVersion> {
        self.config.os_version.as_deref().and_then(|text| text.parse().ok())
    }

    /// When it was made, if it says so.
    pub fn created(&self) -> Option<Timestamp> {
        self.config.created.as_deref().and_then(|text| text.parse().ok())
    }

    /// What a user is most likely to know it by.
    pub fn familiar(&self) -> String {
        let name = self.names.first().or(self.digests.first());
        name.map_or_else(|| self.id.short().to_owned(), ImageName::familiar)
    }

    /// Refuses an image that is not windows/amd64.
    pub fn check_platform(&self) -> Result<()> {
        check_platform(&self.familiar(), &self.config)
    }

    /// The image as `docker image inspect` shows it.
    pub fn inspect(&self) -> Value {
        let familiar =
            |names: &[ImageName]| names.iter().map(ImageName::familiar).collect::<Vec<_>>();
        let config = &self.config;
        json!({
            "Id": self.id,
            "RepoTags": familiar(&self.names),
            "RepoDigests": familiar(&self.digests),
            "Parent": "",
            "Comment": config.history.last().and_then(|h| h.comment.as_deref()).unwrap_or(""),
            "Created": config.created.as_deref().unwrap_or(""),
            "DockerVersion": "",
            "Author": config.author.as_deref().unwrap_or(""),
            "Config": config.config,
            "Architecture": config.architecture,
            "Os": config.os,
            "OsVersion": config.os_version.as_deref().unwrap_or(""),
            "Size": self.size,
            "RootFS": { "Type": "layers", "Layers": config.rootfs.diff_ids },
            "Metadata": { "LastTagTime": self.added.to_string() },
            "Descriptor": self.manifest,
        })
    }

    /// Every blob that it is made of.
    pub(crate) fn blobs(&self) -> BTreeSet<Digest> {
        let descriptors = [&self.manifest, &self.config_descriptor];
        let own = descriptors.into_iter().chain(&self.layers).chain(&self.whole);
        own.chain(&self.beside).filter_map(|d| digest_of(d).ok()).collect()
    }

    pub(crate) fn read(
        store: &Store,
        index: &Index,
        digest: &Digest,
        record: &Record,
    ) -> Result<Self> {
        let (manifest, config) = read_documents(store, digest)?;
        let (digests, names) =
            index.names_of(digest).into_iter().partition(|n| n.digest().is_some());
        let mut image = Self {
            id: digest_of(manifest.config())?,
            manifest: record.manifest.clone(),
            whole: record.whole.clone(),
            attested: Vec::new(),
            beside: Vec::new(),
            names,
            digests,
            config,
            config_descriptor: manifest.config().clone(),
            layers: manifest.layers().clone(),
            sizes: Vec::new(),
            size: 0,
            added: record.added,
        };
        if let Some(whole) = &image.whole {
            (image.attested, image.beside) = read_beside(store, whole, digest)?;
        }
        let chain = image.chain_ids();
        let pairs = chain.iter().zip(&image.layers);
        let size =
            |(id, layer): (&Digest, &Descriptor)| store.unpacked_size(id).unwrap_or(layer.size());
        image.sizes = pairs.map(size).collect();
        image.size = image.sizes.iter().sum();
        Ok(image)
    }
}

/// The manifests of an index but `own`, and everything that they are made of.
fn read_beside(
    store: &Store,
    whole: &Descriptor,
    own: &Digest,
) -> Result<(Vec<Descriptor>, Vec<Descriptor>)> {
    let what = format!("index {}", whole.digest());
    let index: ImageIndex = serde_json::from_slice(&store.read_document(&digest_of(whole)?)?)
        .map_err(Error::json(&what))?;
    let (mut attested, mut all) = (Vec::new(), Vec::new());
    for entry in index.manifests() {
        let digest = digest_of(entry)?;
        if digest == *own {
            continue;
        }
        let manifest = parse_manifest(&store.read_document(&digest)?, &what)?;
        attested.push(entry.clone());
        all.push(entry.clone());
        all.push(manifest.config().clone());
        all.extend(manifest.layers().iter().cloned());
    }
    Ok((attested, all))
}

/// A manifest and its configuration, out of the store.
pub(crate) fn read_documents(
    store: &Store,
    manifest: &Digest,
) -> Result<(ImageManifest, ImageConfig)> {
    let what = format!("manifest {}", manifest.short());
    let parsed = parse_manifest(&store.read_document(manifest)?, &what)?;
    let config_digest = digest_of(parsed.config())?;
    let config = parse_config(&store.read_document(&config_digest)?, &parsed)?;
    Ok((parsed, config))
}

/// Reads a manifest of one image.
pub(crate) fn parse_manifest(bytes: &[u8], what: &str) -> Result<ImageManifest> {
    serde_json::from_slice(bytes).map_err(Error::json(what))
}

/// Reads a configuration that must fit `manifest`.
pub(crate) fn parse_config(bytes: &[u8], manifest: &ImageManifest) -> Result<ImageConfig> {
    let what = format!("image configuration {}", manifest.config().digest());
    let config: ImageConfig = serde_json::from_slice(bytes).map_err(Error::json(&what))?;
    let (ids, layers) = (config.rootfs.diff_ids.len(), manifest.layers().len());
    if ids != layers {
        return Err(Error::invalid(what, format!("it has {ids} diff ids for {layers} layers")));
    }
    Ok(config)
}

pub(crate) fn check_platform(name: &str, config: &ImageConfig) -> Result<()> {
    if config.os.eq_ignore_ascii_case("windows") && config.architecture == "amd64" {
        return Ok(());
    }
    let platform = format!("{}/{}", config.os, config.architecture);
    Err(Error::WrongPlatform { image: name.to_owned(), platform })
}

pub(crate) fn digest_of(descriptor: &Descriptor) -> Result<Digest> {
    Digest::try_from(descriptor.digest())
}
