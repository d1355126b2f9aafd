//! Pushing: what the registry lacks of an image, and then its manifest, byte for byte. What is
//! attested of an image goes along, with the index around both.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use oci_client::errors::OciDistributionError;
use oci_spec::image::Descriptor;
use tokio::sync::mpsc;

use super::fetch::is_foreign;
use super::{Connection, failed};
use crate::compose::Hold;
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};
use crate::image::{Image, digest_of};
use crate::name::ImageName;
use crate::progress::{Event, Progress, Quiet, State};
use crate::store::Store;

const CHUNK: usize = 1 << 20;

/// What was pushed.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Where to.
    pub name: ImageName,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The manifest's size.
    pub size: u64,
}

/// One push.
struct Push<'a> {
    store: &'a Store,
    connection: Connection,
    name: &'a ImageName,
    /// Names by digest of images that have the same blobs.
    known: &'a [ImageName],
    progress: &'a dyn Progress,
}

impl Store {
    /// Pushes the image of this name to the registry that the name names.
    pub async fn push(&self, name: &str, progress: Arc<dyn Progress>) -> Result<Pushed> {
        let name = crate::store::images::taggable(name)?;
        let image = self.resolve_exactly(&name).await?;
        // What is pushed must not be pruned meanwhile.
        let _adding = self.blocking(Store::lock_adding).await?;
        let pushed = self.push_image(&image, &name, &*progress).await?;
        let digest = pushed.digest.clone();
        self.blocking(move |store| {
            store.change_index(|index| {
                let manifest = image.manifest_digest();
                index.names.insert(name.by_digest(&digest), manifest);
                Ok(())
            })
        })
        .await?;
        Ok(pushed)
    }

    /// Pushes an image that is held but in no list.
    pub async fn push_draft(
        &self,
        _hold: &Hold,
        image: &Image,
        name: &ImageName,
        progress: Arc<dyn Progress>,
    ) -> Result<Pushed> {
        self.push_image(image, name, &*progress).await
    }

    async fn push_image(
        &self,
        image: &Image,
        name: &ImageName,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        progress.status(&format!("The push refers to repository [{}]", name.familiar_repository()));
        let connection = Connection::open(name, self.settings()).await?;
        let push = Push { store: self, connection, name, known: &image.digests, progress };
        push.blobs(&image.layers).await?;
        push.blob(&image.config_descriptor, |_| {}).await?;
        let Some(whole) = &image.whole else {
            push.document(&image.manifest, name).await?;
            return push.done(&image.manifest);
        };
        let manifests = image.attested.iter().map(Descriptor::digest);
        let manifests: Vec<_> = manifests.collect();
        let parts = image.beside.iter().filter(|part| !manifests.contains(&part.digest()));
        push.blobs(&parts.cloned().collect::<Vec<_>>()).await?;
        for part in image.attested.iter().chain([&image.manifest]) {
            push.document(part, &name.by_digest(&digest_of(part)?)).await?;
        }
        push.document(whole, name).await?;
        push.done(whole)
    }

    /// Pushes a manifest that is no image's, with the blobs that it is made of.
    pub async fn push_artifact(
        &self,
        _hold: &Hold,
        name: &ImageName,
        manifest: &Descriptor,
        blobs: &[Descriptor],
    ) -> Result<()> {
        let connection = Connection::open(name, self.settings()).await?;
        let push = Push { store: self, connection, name, known: &[], progress: &Quiet };
        push.blobs(blobs).await?;
        push.document(manifest, name).await
    }

    /// The image that has this very name; nothing that stands for it.
    async fn resolve_exactly(&self, name: &ImageName) -> Result<Image> {
        let image = self.resolve(&name.canonical()).await?;
        if image.names.contains(name) {
            Ok(image)
        } else {
            Err(Error::NoSuchImage(name.familiar()))
        }
    }
}

impl Push<'_> {
    async fn blobs(&self, blobs: &[Descriptor]) -> Result<()> {
        let reference = self.name.reference();
        self.connection
            .client
            .store_auth_if_needed(reference.resolve_registry(), &self.connection.auth)
            .await;
        let at_once = self.store.settings().max_concurrent_transfers;
        let uploads: Vec<_> = blobs.iter().map(|blob| self.layer(blob)).collect();
        stream::iter(uploads).buffer_unordered(at_once).try_collect::<()>().await
    }

    fn done(&self, what: &Descriptor) -> Result<Pushed> {
        Ok(Pushed { name: self.name.clone(), digest: digest_of(what)?, size: what.size() })
    }

    async fn layer(&self, layer: &Descriptor) -> Result<()> {
        let digest = digest_of(layer)?;
        let tell = |state| self.progress.layer(Event { blob: &digest, state });
        // Whoever made it lets nobody else hand it out; its addresses are in the manifest.
        if is_foreign(layer) && layer.urls().as_ref().is_some_and(|urls| !urls.is_empty()) {
            self.progress.status(&format!("{}: Skipped foreign layer", digest.short()));
            return Ok(());
        }
        tell(State::Waiting);
        self.blob(layer, tell).await
    }

    async fn blob(&self, blob: &Descriptor, tell: impl Fn(State)) -> Result<()> {
        let digest = digest_of(blob)?;
        let client = &self.connection.client;
        let reference = self.name.reference();
        if client
            .blob_exists(&reference, digest.as_str())
            .await
            .map_err(failed("look for a part of", self.name))?
        {
            tell(State::AlreadyThere);
            return Ok(());
        }
        for source in self.siblings() {
            // A registry that cannot mount opens an upload instead, which then simply lapses.
            if client.mount_blob(&reference, &source.reference(), digest.as_str()).await.is_ok() {
                tell(State::Mounted);
                return Ok(());
            }
        }
        let total = blob.size();
        let body = self.read(&digest)?;
        let mut done = 0;
        let (send, receive) = mpsc::channel(4);
        let forward = async {
            let mut body = body;
            while let Some(chunk) = body.recv().await {
                if let Ok(bytes) = &chunk {
                    done += Bytes::len(bytes) as u64;
                    tell(State::Pushing { done, total });
                }
                if send.send(chunk).await.is_err() {
                    return;
                }
            }
            drop(send);
        };
        let chunks = stream::unfold(receive, async |mut receive: mpsc::Receiver<_>| {
            receive.recv().await.map(|chunk| (chunk, receive))
        });
        let upload = client.push_blob_stream(&reference, chunks, digest.as_str(), Some(total));
        let (upload, ()) = futures::join!(upload, forward);
        upload.map_err(failed("upload a part of", self.name))?;
        tell(State::Pushed);
        Ok(())
    }

    /// Repositories of the same registry that have the image too.
    fn siblings(&self) -> impl Iterator<Item = &ImageName> {
        self.known.iter().filter(|other| {
            other.registry() == self.name.registry() && other.repository() != self.name.repository()
        })
    }

    /// Reads a blob piece by piece, on a thread that ends when nobody listens any more.
    fn read(&self, digest: &Digest) -> Result<mpsc::Receiver<Result<Bytes, OciDistributionError>>> {
        let (send, receive) = mpsc::channel(4);
        let mut file = self.store.open_blob(digest)?;
        let path = self.store.blob_path(digest);
        file.metadata().at("look at", &path)?;
        tokio::task::spawn_blocking(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let piece = match file.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(n) => {
                        chunk.truncate(n);
                        Ok(Bytes::from(chunk))
                    }
                    Err(e) => Err(OciDistributionError::from(e)),
                };
                if send.blocking_send(piece).is_err() {
                    return;
                }
            }
        });
        Ok(receive)
    }

    async fn document(&self, document: &Descriptor, name: &ImageName) -> Result<()> {
        let wanted = digest_of(document)?;
        let bytes = self.store.blocking(move |store| store.read_document(&wanted)).await?;
        let media_type = document.media_type().to_string();
        let media_type = media_type
            .parse()
            .map_err(|_| Error::invalid("manifest", format!("a type `{media_type}`")))?;
        self.connection
            .client
            .push_manifest_raw(&name.reference(), bytes, media_type)
            .await
            .map_err(failed("push", self.name))?;
        Ok(())
    }
}
