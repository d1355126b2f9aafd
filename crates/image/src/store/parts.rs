//! Single blobs, for what is put together of them beside images: caches and attestations.

use engine::os::unix::fs::set_mode;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use oci_spec::image::{Descriptor, MediaType};

use super::Store;
use crate::compose::{Hold, describe};
use crate::digest::Digest;
use crate::error::{IoContext, Result, stream};
use crate::image::digest_of;

impl Store {
    /// Stores a small document.
    pub async fn add_document(
        &self,
        _hold: &Hold,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Descriptor> {
        let media_type = MediaType::from(media_type);
        self.blocking(move |store| {
            let digest = store.put_blob(&bytes)?;
            Ok(describe(media_type, &digest, bytes.len() as u64))
        })
        .await
    }

    /// Reads a small document.
    pub async fn document(&self, digest: &Digest) -> Result<Vec<u8>> {
        let digest = digest.clone();
        self.blocking(move |store| store.read_document(&digest)).await
    }

    /// Copies a blob out of the store, to a file that is whole when it is there.
    pub async fn copy_out(&self, blob: &Descriptor, file: &Path) -> Result<()> {
        let (digest, file) = (digest_of(blob)?, file.to_owned());
        self.blocking(move |store| {
            if file.is_file() {
                return Ok(());
            }
            let draft = file.with_extension(format!("new-{}", std::process::id()));
            let copied = fs::copy(store.blob_path(&digest), &draft)
                .and_then(|_| set_mode(&draft, 0o644))
                .and_then(|()| fs::rename(&draft, &file));
            if copied.is_err() {
                // Perhaps it was never made.
                let _ = fs::remove_file(&draft);
            }
            copied.at("write", &file)
        })
        .await
    }

    /// Copies a blob of somebody else's into the store, if it is what its digest promises. False
    /// when there is no such file.
    pub async fn copy_in(&self, _hold: &Hold, blob: &Descriptor, file: &Path) -> Result<bool> {
        let (digest, size, file) = (digest_of(blob)?, blob.size(), file.to_owned());
        self.blocking(move |store| {
            if store.has_blob(&digest) {
                return Ok(true);
            }
            let mut input = match File::open(&file) {
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
                other => other.at("open", &file)?,
            };
            let mut writer = store.new_blob()?;
            io::copy(&mut input, &mut writer).map_err(stream("copy a blob"))?;
            writer.commit(store, Some(&digest), Some(size))?;
            Ok(true)
        })
        .await
    }

    /// Whether a blob is here.
    pub fn has(&self, blob: &Descriptor) -> bool {
        digest_of(blob).is_ok_and(|digest| self.has_blob(&digest))
    }
}
