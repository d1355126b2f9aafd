//! Pulling: of everything that a name may lead to, the image that fits this platform.

use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageManifest, MediaType};

use super::document::{ACCEPTED, Kind, choose, kind};
use super::fetch::{Fetch, passing};
use super::{Connection, failed};
use crate::compose::{Hold, describe};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::{Image, check_platform, parse_config, parse_manifest};
use crate::name::ImageName;
use crate::platform::{OsVersion, check_version};
use crate::progress::{Progress, Quiet};
use crate::store::Store;
use crate::store::blobs::MAX_DOCUMENT;

/// What is to be pulled.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// The Windows that the platform layer stands for; images of newer ones do not fit.
    pub host: OsVersion,
}

/// What was pulled.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The image.
    pub image: Image,
    /// What it was asked for by.
    pub name: ImageName,
    /// What that name leads to in the registry: an image, or an index of several.
    pub digest: Digest,
    /// False when it was here already.
    pub changed: bool,
}

/// A manifest out of a registry.
struct Found {
    bytes: Vec<u8>,
    descriptor: Descriptor,
    manifest: ImageManifest,
}

impl Store {
    /// Pulls an image from its registry. The built-in base is made instead.
    pub async fn pull(
        &self,
        name: &str,
        options: PullOptions,
        progress: Arc<dyn Progress>,
    ) -> Result<Pulled> {
        let name = ImageName::parse(name)?;
        if name.is_builtin() {
            return self.pull_builtin(name, &options).await;
        }
        if name.is_microsoft_base() {
            progress.warning(
                "Microsoft licenses its base images for use on licensed Windows hosts only; \
                 transom/base needs no such licence",
            );
        }
        let pulled = self.pull_from(&name, &options, &*progress).await;
        // Layers that are whole are kept for another try, if another try could help.
        if pulled.as_ref().is_err_and(|error| !passing(error)) {
            self.blocking(|store| {
                store.give_back();
                Ok(())
            })
            .await?;
        }
        pulled
    }

    async fn pull_from(
        &self,
        name: &ImageName,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Pulled> {
        // Until the image has its name, what is downloaded belongs to nobody.
        let adding = Arc::new(self.blocking(Store::lock_adding).await?);
        let connection = Connection::open(name, self.settings()).await?;
        let (digest, found) = self.find_manifest(&connection, name, options, progress).await?;
        let config = found.manifest.config();
        if config.size() > MAX_DOCUMENT {
            let what = format!("image configuration {}", config.digest());
            return Err(Error::invalid(what, format!("it is larger than {MAX_DOCUMENT} bytes")));
        }
        let fetch = |progress| Fetch::new(self, &connection, name, progress, Arc::clone(&adding));
        fetch(&Quiet).blob(config).await?;
        self.check_config(name, &found, options).await?;
        fetch(progress).layers(found.manifest.layers()).await?;
        let (image, changed) = self.keep_pulled(name, &digest, found).await?;
        Ok(Pulled { image, name: name.clone(), digest, changed })
    }

    /// The manifest that a name leads to, whatever it describes, and its digest.
    pub async fn fetch_manifest(&self, name: &ImageName) -> Result<(Vec<u8>, Digest)> {
        let connection = Connection::open(name, self.settings()).await?;
        get(&connection, name).await
    }

    /// Downloads a part of what a name leads to, unless it is here.
    pub async fn fetch_part(
        &self,
        _hold: &Hold,
        name: &ImageName,
        part: &Descriptor,
    ) -> Result<()> {
        let adding = Arc::new(self.blocking(Store::lock_adding).await?);
        let connection = Connection::open(name, self.settings()).await?;
        Fetch::new(self, &connection, name, &Quiet, adding).blob(part).await
    }

    async fn pull_builtin(&self, name: ImageName, options: &PullOptions) -> Result<Pulled> {
        if name.digest().is_some() || name.tag() != Some("latest") {
            let rule = "the built-in image has no other tag than `latest`".to_owned();
            return Err(Error::InvalidName { name: name.familiar(), rule });
        }
        let before = self.resolve(crate::name::BASE_NAME).await.ok();
        let image = self.ensure_base(&options.host).await?;
        let changed = before.is_none_or(|before| before.id != image.id);
        Ok(Pulled { digest: image.manifest_digest(), image, name, changed })
    }

    /// Follows an index to the manifest that fits. Also tells the digest that the name leads to.
    async fn find_manifest(
        &self,
        connection: &Connection,
        name: &ImageName,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<(Digest, Found)> {
        progress.status(&match name.tag() {
            Some(tag) => format!("{tag}: Pulling from {}", name.repository()),
            None => format!("Pulling from {}", name.repository()),
        });
        let (bytes, digest) = get(connection, name).await?;
        let what = format!("manifest of `{name}`");
        let chosen = match kind(&bytes, &what)? {
            Kind::Manifest(media_type) => {
                return Ok((digest.clone(), Found::new(bytes, &digest, media_type, &what)?));
            }
            Kind::Index => choose(&bytes, &what, options.host, |_| true)?,
        };
        let (bytes, found) = get(connection, &name.by_digest(&chosen)).await?;
        let Kind::Manifest(media_type) = kind(&bytes, &what)? else {
            return Err(Error::invalid(what, "an index within an index"));
        };
        Ok((digest, Found::new(bytes, &found, media_type, &what)?))
    }

    async fn check_config(
        &self,
        name: &ImageName,
        found: &Found,
        options: &PullOptions,
    ) -> Result<()> {
        let digest = crate::image::digest_of(found.manifest.config())?;
        let bytes = self.blocking(move |store| store.read_document(&digest)).await?;
        let config = parse_config(&bytes, &found.manifest)?;
        check_platform(&name.familiar(), &config)?;
        check_version(&config.os, config.os_version.as_deref().unwrap_or_default(), options.host)
    }

    async fn keep_pulled(
        &self,
        name: &ImageName,
        digest: &Digest,
        found: Found,
    ) -> Result<(Image, bool)> {
        let (name, digest) = (name.clone(), digest.clone());
        self.blocking(move |store| {
            store.put_blob(&found.bytes)?;
            store.change_index(|index| {
                let manifest = index.add(found.descriptor)?;
                let by_digest = name.by_digest(&digest);
                let mut changed = index.names.insert(by_digest, manifest.clone()).is_none();
                if name.tag().is_some() && name.digest().is_none() {
                    let before = index.names.insert(name, manifest.clone());
                    changed |= before.as_ref() != Some(&manifest);
                }
                Ok((store.image_of(index, &manifest)?, changed))
            })
        })
        .await
    }
}

impl Found {
    fn new(bytes: Vec<u8>, digest: &Digest, media_type: MediaType, what: &str) -> Result<Self> {
        let manifest = parse_manifest(&bytes, what)?;
        let descriptor = describe(media_type, digest, bytes.len() as u64);
        Ok(Self { bytes, descriptor, manifest })
    }
}

/// A document of a registry, and its digest, which is what was asked for if that was a digest.
async fn get(connection: &Connection, name: &ImageName) -> Result<(Vec<u8>, Digest)> {
    let (bytes, _) = connection
        .client
        .pull_manifest_raw(&name.reference(), &connection.auth, ACCEPTED)
        .await
        .map_err(failed("pull", name))?;
    let actual = Digest::of(&bytes);
    match name.digest() {
        Some(expected) if *expected != actual => {
            let what = format!("manifest of `{name}`");
            Err(Error::WrongDigest { what, expected: expected.clone(), actual })
        }
        _ => Ok((bytes.to_vec(), actual)),
    }
}
