//! Downloading blobs: each at most once, however many pulls want it, in however many processes.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use oci_client::client::LayerDescriptor;
use oci_client::errors::DigestError;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::mpsc;

use super::{Connection, is_insecure};
use crate::digest::Digest;
use crate::error::{Error, Result, stream as stream_error};
use crate::image::digest_of;
use crate::name::ImageName;
use crate::progress::{Event, Progress, State};
use crate::store::Store;

const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How often progress is told: once for this many bytes.
const STEP: u64 = 512 << 10;

impl Store {
    /// Downloads what is not here of `layers`, several at once.
    pub(crate) async fn fetch_layers(
        &self,
        connection: &Connection,
        name: &ImageName,
        layers: &[Descriptor],
        progress: &dyn Progress,
    ) -> Result<()> {
        for layer in layers {
            progress.layer(Event { blob: &digest_of(layer)?, state: State::Waiting });
        }
        let at_once = self.settings().max_concurrent_transfers;
        let downloads: Vec<_> =
            layers.iter().map(|layer| self.fetch(connection, name, layer, progress)).collect();
        stream::iter(downloads).buffer_unordered(at_once).try_collect::<()>().await
    }

    /// Downloads one blob unless it is here.
    pub(crate) async fn fetch(
        &self,
        connection: &Connection,
        name: &ImageName,
        blob: &Descriptor,
        progress: &dyn Progress,
    ) -> Result<()> {
        let digest = digest_of(blob)?;
        let tell = |state| progress.layer(Event { blob: &digest, state });
        if self.has_blob(&digest) {
            tell(State::Exists);
            return Ok(());
        }
        let _making = self.lock_making_async(&format!("blob-{}", digest.hex())).await?;
        if self.has_blob(&digest) {
            tell(State::Exists);
            return Ok(());
        }
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.download(connection, name, blob, &digest, progress).await {
                Err(error) if attempt < ATTEMPTS && passing(&error) => {
                    tracing::warn!(blob = %digest, %error, "a download is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        tell(State::Downloaded);
        Ok(())
    }

    /// Asks the registry, then whoever else may hand the blob out.
    async fn download(
        &self,
        connection: &Connection,
        name: &ImageName,
        blob: &Descriptor,
        digest: &Digest,
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut result = self.download_from(connection, name, blob, None, progress).await;
        for url in self.addresses(blob) {
            let Err(error) = &result else { break };
            tracing::debug!(blob = %digest, %error, url, "another address is tried");
            result = self.download_from(connection, name, blob, Some(url), progress).await;
        }
        result
    }

    async fn download_from(
        &self,
        connection: &Connection,
        name: &ImageName,
        blob: &Descriptor,
        url: Option<String>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let digest = &digest_of(blob)?;
        let urls = url.map(|url| vec![url]);
        let layer = LayerDescriptor { digest: digest.as_str(), urls: &urls };
        connection
            .client
            .store_auth_if_needed(name.reference().resolve_registry(), &connection.auth)
            .await;
        let mut body = connection
            .client
            .pull_blob_stream(&name.reference(), &layer)
            .await
            .map_err(super::failed("download a part of", name))?;
        let (send, receive) = mpsc::channel::<Bytes>(16);
        let writing = self.write_blob(receive, digest.clone(), blob.size());
        let total = blob.size();
        let reading = async move {
            let (mut done, mut told) = (0_u64, 0_u64);
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|e| broken(e, digest))?;
                done += bytes.len() as u64;
                if done - told >= STEP || done == total {
                    told = done;
                    progress
                        .layer(Event { blob: digest, state: State::Downloading { done, total } });
                }
                // The writer only goes early when it failed, and then its error is the one to tell.
                if send.send(bytes).await.is_err() {
                    break;
                }
            }
            // What came is whole only now; a writer that is cut off before keeps nothing.
            drop(send);
            Ok(())
        };
        let (read, written) = futures::join!(reading, writing);
        // A broken connection also makes the blob too short: the cause counts.
        read.and(written)
    }

    /// Writes what comes through `receive`, and keeps it if it is the blob that was promised.
    async fn write_blob(
        &self,
        mut receive: mpsc::Receiver<Bytes>,
        digest: Digest,
        size: u64,
    ) -> Result<()> {
        self.blocking(move |store| {
            let mut writer = store.new_blob()?;
            while let Some(bytes) = receive.blocking_recv() {
                writer.write_all(&bytes).map_err(stream_error("store a download"))?;
                if writer.written() > size {
                    let what = format!("blob {}", digest.short());
                    let actual = writer.written();
                    return Err(Error::WrongSize { what, expected: size, actual });
                }
            }
            writer.commit(store, Some(&digest), Some(size)).map(drop)
        })
        .await
    }

    /// Where else a layer may be had that its registry must not hand out itself.
    fn addresses(&self, blob: &Descriptor) -> Vec<String> {
        let urls = blob.urls().iter().flatten().filter(|_| is_foreign(blob));
        let allowed = |url: &&String| match url.split_once("://") {
            Some(("https", _)) => true,
            Some(("http", rest)) => {
                is_insecure(rest.split('/').next().unwrap_or_default(), self.settings())
            }
            _ => false,
        };
        urls.filter(allowed).cloned().collect()
    }
}

/// Tells a connection that broke from content that is not what was promised, which the client
/// finds out first.
fn broken(error: std::io::Error, expected: &Digest) -> Error {
    let cause = error.get_ref().and_then(|e| e.downcast_ref::<DigestError>());
    if let Some(DigestError::VerificationError { actual, .. }) = cause
        && let Ok(actual) = actual.parse()
    {
        let what = format!("blob {}", expected.short());
        return Error::WrongDigest { what, expected: expected.clone(), actual };
    }
    stream_error("download")(error)
}

/// A layer that its owner lets nobody else hand out.
pub(crate) fn is_foreign(layer: &Descriptor) -> bool {
    match layer.media_type() {
        MediaType::ImageLayerNonDistributable
        | MediaType::ImageLayerNonDistributableGzip
        | MediaType::ImageLayerNonDistributableZstd => true,
        MediaType::Other(other) => other.contains(".foreign."),
        _ => false,
    }
}

/// Whether the same may go well another time.
pub(super) fn passing(error: &Error) -> bool {
    use oci_client::errors::OciDistributionError as Cause;
    match error {
        Error::Stream { op: "download", .. } | Error::WrongSize { .. } => true,
        Error::Registry { source, .. } => match &**source {
            Cause::RequestError(_) | Cause::IoError(_) => true,
            Cause::ServerError { code, .. } => *code >= 500 || *code == 429,
            _ => false,
        },
        _ => false,
    }
}
