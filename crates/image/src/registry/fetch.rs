//! Downloading blobs: each at most once, however many pulls want it, in however many processes.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use oci_client::client::{LayerDescriptor, SizedStream};
use oci_client::errors::DigestError;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::{mpsc, watch};

use super::{Connection, is_insecure};
use crate::digest::Digest;
use crate::error::{Error, Result, stream as stream_error};
use crate::image::digest_of;
use crate::name::ImageName;
use crate::progress::{Event, Progress, State};
use crate::store::Store;
use crate::store::lock::Lock;

const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How often progress is told: once for this many bytes.
const STEP: u64 = 512 << 10;

/// The downloads of one pull.
pub(super) struct Fetch<'a> {
    pub(super) store: &'a Store,
    pub(super) connection: &'a Connection,
    pub(super) name: &'a ImageName,
    pub(super) progress: &'a dyn Progress,
    /// Also held by what still writes when the pull itself has been given up.
    adding: Arc<Lock>,
    /// Set by the first download that fails.
    stop: watch::Sender<bool>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(
        store: &'a Store,
        connection: &'a Connection,
        name: &'a ImageName,
        progress: &'a dyn Progress,
        adding: Arc<Lock>,
    ) -> Self {
        Self { store, connection, name, progress, adding, stop: watch::Sender::new(false) }
    }

    /// Downloads what is not here of `layers`, several at once. When one fails the others stop,
    /// and none is at work any more when this returns.
    pub(super) async fn layers(&self, layers: &[Descriptor]) -> Result<()> {
        for layer in layers {
            let state = State::Waiting;
            self.progress.layer(Event { blob: &digest_of(layer)?, state });
        }
        let at_once = self.store.settings().max_concurrent_transfers;
        let downloads: Vec<_> = layers.iter().map(|layer| self.or_stop(layer)).collect();
        let done: Vec<Result<()>> =
            stream::iter(downloads).buffer_unordered(at_once).collect().await;
        let mut failures = done.into_iter().filter_map(Result::err);
        let first = failures.next();
        // Those that were stopped are not the reason.
        failures.find(|e| !matches!(e, Error::CutOff)).or(first).map_or(Ok(()), Err)
    }

    async fn or_stop(&self, blob: &Descriptor) -> Result<()> {
        let fetched = self.blob(blob).await;
        if fetched.is_err() {
            self.stop.send_replace(true);
        }
        fetched
    }

    /// Downloads one blob unless it is here.
    pub(super) async fn blob(&self, blob: &Descriptor) -> Result<()> {
        let digest = digest_of(blob)?;
        let tell = |state| self.progress.layer(Event { blob: &digest, state });
        if self.store.has_blob(&digest) {
            tell(State::Exists);
            return Ok(());
        }
        let key = format!("blob-{}", digest.hex());
        let _making = self.unless_stopped(self.store.lock_making_async(&key)).await?;
        if self.store.has_blob(&digest) {
            tell(State::Exists);
            return Ok(());
        }
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.download(blob, &digest).await {
                Err(error) if attempt < ATTEMPTS && passing(&error) => {
                    tracing::warn!(blob = %digest, %error, "a download is tried again");
                    let wait = async {
                        tokio::time::sleep(pause).await;
                        Ok(())
                    };
                    self.unless_stopped(wait).await?;
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
    async fn download(&self, blob: &Descriptor, digest: &Digest) -> Result<()> {
        let mut result = self.download_from(blob, digest, None).await;
        for url in self.addresses(blob) {
            let Err(error) = &result else { break };
            tracing::debug!(blob = %digest, %error, url, "another address is tried");
            result = self.download_from(blob, digest, Some(url)).await;
        }
        result
    }

    async fn download_from(
        &self,
        blob: &Descriptor,
        digest: &Digest,
        url: Option<String>,
    ) -> Result<()> {
        let urls = url.map(|url| vec![url]);
        let layer = LayerDescriptor { digest: digest.as_str(), urls: &urls };
        let (client, reference) = (&self.connection.client, self.name.reference());
        client.store_auth_if_needed(reference.resolve_registry(), &self.connection.auth).await;
        let failed = super::failed("download a part of", self.name);
        let asking = async { client.pull_blob_stream(&reference, &layer).await.map_err(failed) };
        let body = self.unless_stopped(asking).await?;
        let (send, receive) = mpsc::channel::<Bytes>(16);
        let writing = self.write(receive, digest.clone(), blob.size());
        let reading = self.read(body, digest, blob.size(), send);
        let (read, written) = futures::join!(reading, writing);
        // A broken connection also makes the blob too short: the cause counts.
        read.and(written)
    }

    /// Hands on what comes. The writer learns from the channel's end that there is no more.
    async fn read(
        &self,
        mut body: SizedStream,
        digest: &Digest,
        total: u64,
        send: mpsc::Sender<Bytes>,
    ) -> Result<()> {
        let (mut done, mut told) = (0_u64, 0_u64);
        while let Some(bytes) = self.unless_stopped(async { Ok(body.next().await) }).await? {
            let bytes = bytes.map_err(|e| broken(e, digest))?;
            done += bytes.len() as u64;
            if done - told >= STEP || done == total {
                told = done;
                let state = State::Downloading { done, total };
                self.progress.layer(Event { blob: digest, state });
            }
            // The writer only goes early when it failed, and then its error is the one to tell.
            if send.send(bytes).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Writes what comes through `receive`, and keeps it if it is the blob that was promised.
    async fn write(
        &self,
        mut receive: mpsc::Receiver<Bytes>,
        digest: Digest,
        size: u64,
    ) -> Result<()> {
        let adding = Arc::clone(&self.adding);
        self.store
            .blocking(move |store| {
                let mut writer = store.new_blob()?;
                while let Some(bytes) = receive.blocking_recv() {
                    writer.write_all(&bytes).map_err(stream_error("store a download"))?;
                    if writer.written() > size {
                        let what = format!("blob {}", digest.short());
                        let actual = writer.written();
                        return Err(Error::WrongSize { what, expected: size, actual });
                    }
                }
                writer.commit(store, Some(&digest), Some(size))?;
                drop(adding);
                Ok(())
            })
            .await
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|&stop| stop) => Err(Error::CutOff),
            done = work => done,
        }
    }

    /// Where else a layer may be had that its registry must not hand out itself.
    fn addresses(&self, blob: &Descriptor) -> Vec<String> {
        let urls = blob.urls().iter().flatten().filter(|_| is_foreign(blob));
        let allowed = |url: &&String| match url.split_once("://") {
            Some(("https", _)) => true,
            Some(("http", rest)) => {
                is_insecure(rest.split('/').next().unwrap_or_default(), self.store.settings())
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
