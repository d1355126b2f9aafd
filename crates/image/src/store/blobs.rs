//! Blobs: verified while they are written, renamed into place when they are whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::Store;
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result};

/// Manifests and configurations are read whole; none is anywhere near this.
pub(crate) const MAX_DOCUMENT: u64 = 8 << 20;

/// How much is written before the disk is given it: nothing to wait for at the end, and few orders.
const AT_ONCE: u64 = 8 << 20;

/// A blob being written. Dropped before [`BlobWriter::commit`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    file: NamedTempFile,
    hasher: Sha256,
    written: u64,
    /// As much is on its way to the disk.
    sent: u64,
}

impl Store {
    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path("content/blobs/sha256").join(digest.hex())
    }

    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    pub(crate) fn blob_size(&self, digest: &Digest) -> Result<u64> {
        let path = self.blob_path(digest);
        path.metadata().at("look at", &path).map(|about| about.len())
    }

    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<File> {
        let path = self.blob_path(digest);
        File::open(&path).at("open", &path)
    }

    pub(crate) fn new_blob(&self) -> Result<BlobWriter> {
        let dir = self.path("content/ingest");
        let file = NamedTempFile::new_in(&dir).at("make a file in", &dir)?;
        // Tells the sweep that somebody is still writing.
        let locked =
            engine::os::fs::flock(&file, engine::os::fs::FlockOperation::NonBlockingLockExclusive);
        locked.at("lock", file.path())?;
        Ok(BlobWriter { file, hasher: Sha256::new(), written: 0, sent: 0 })
    }

    /// Stores a small document.
    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if !self.has_blob(&digest) {
            let mut writer = self.new_blob()?;
            writer.write_all(bytes).at("write", writer.file.path())?;
            writer.commit(self, Some(&digest), None)?;
        }
        Ok(digest)
    }

    /// Reads a manifest or configuration and makes sure that it still is what its name promises.
    pub(crate) fn read_document(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self.blob_path(digest);
        let mut bytes = Vec::new();
        let file = self.open_blob(digest)?;
        file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).at("read", &path)?;
        let actual = Digest::of(&bytes);
        if actual != *digest {
            let what = format!("blob `{}`", path.display());
            return Err(Error::WrongDigest { what, expected: digest.clone(), actual });
        }
        Ok(bytes)
    }
}

impl BlobWriter {
    /// Bytes so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Puts the blob in its place if it is what was promised.
    pub(crate) fn commit(
        self,
        store: &Store,
        expected: Option<&Digest>,
        size: Option<u64>,
    ) -> Result<(Digest, u64)> {
        let actual = Digest::from_hasher(self.hasher);
        let what = || format!("blob {}", expected.unwrap_or(&actual).short());
        if let Some(expected) = size.filter(|&size| size != self.written) {
            return Err(Error::WrongSize { what: what(), expected, actual: self.written });
        }
        if let Some(expected) = expected.filter(|&expected| *expected != actual) {
            return Err(Error::WrongDigest { what: what(), expected: expected.clone(), actual });
        }
        self.file.as_file().sync_all().at("write", self.file.path())?;
        let path = store.blob_path(&actual);
        self.file.persist(&path).map_err(|e| e.error).at("put in place", &path)?;
        sync_dir(&path)?;
        Ok((actual, self.written))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.written += n as u64;
        let more = self.written - self.sent;
        if more >= AT_ONCE {
            engine::os::fs::begin_writing(self.file.as_file(), self.sent, more);
            self.sent = self.written;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes a rename to `path` last.
pub(crate) fn sync_dir(path: &std::path::Path) -> Result<()> {
    let dir = path.parent().expect("a file of the store is in a folder");
    engine::os::fs::sync_folder(dir).at("write", dir)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test::store;

    #[test]
    fn a_blob_that_is_not_what_was_promised_leaves_nothing() {
        let (_dir, store) = store();
        let promised = Digest::of(b"other");
        for (expected, size) in [(Some(&promised), None), (None, Some(3))] {
            let mut writer = store.new_blob().unwrap();
            writer.write_all(b"this").unwrap();
            assert!(writer.commit(&store, expected, size).is_err());
        }
        for dir in ["content/ingest", "content/blobs/sha256"] {
            assert_eq!(fs::read_dir(store.path(dir)).unwrap().count(), 0, "{dir}");
        }
    }

    #[test]
    fn the_sweep_takes_leftovers_and_leaves_what_is_being_written() {
        let (_dir, store) = store();
        let mut writer = store.new_blob().unwrap();
        writer.write_all(b"half").unwrap();
        let leftover = store.path("content/ingest/leftover");
        fs::write(&leftover, b"of a killed process").unwrap();
        assert_eq!(store.sweep_ingest().reclaimed, 19);
        assert!(!leftover.exists());
        let (digest, _) = writer.commit(&store, None, None).unwrap();
        assert_eq!(store.read_document(&digest).unwrap(), b"half");
    }

    #[test]
    fn who_adds_something_first_takes_away_what_killed_ones_began() {
        let (_dir, store) = store();
        let leftover = store.path("content/ingest/leftover");
        fs::write(&leftover, b"of a killed process").unwrap();
        let first = store.lock_adding().unwrap();
        assert!(!leftover.exists());
        fs::write(&leftover, b"of the first, who has not locked it yet").unwrap();
        let second = store.lock_adding().unwrap();
        assert!(leftover.exists(), "somebody is at it");
        drop((first, second));
    }

    #[test]
    fn a_leftover_that_is_stuck_keeps_nobody_from_adding_and_is_told_to_who_prunes() {
        let (_dir, store) = store();
        // Neither can be removed as what it should be.
        fs::create_dir(store.path("content/ingest/stuck")).unwrap();
        fs::write(store.path("layers/.stuck"), b"").unwrap();
        let leftover = store.path("content/ingest/leftover");
        fs::write(&leftover, b"of a killed process").unwrap();
        drop(store.lock_adding().unwrap());
        assert!(!leftover.exists());
        fs::write(&leftover, b"of a killed process").unwrap();
        let blobs = store.path("content/blobs/sha256");
        fs::create_dir(blobs.join("stuck")).unwrap();
        fs::write(blobs.join("unneeded"), b"of nobody").unwrap();
        let collected = store.collect().unwrap();
        assert_eq!((collected.reclaimed, collected.failed.len()), (28, 3), "{collected:?}");
        assert!(!blobs.join("unneeded").exists());
    }

    #[test]
    fn a_blob_that_was_changed_on_disk_is_found_out() {
        let (_dir, store) = store();
        let digest = store.put_blob(b"right").unwrap();
        fs::write(store.blob_path(&digest), b"wrong").unwrap();
        assert!(matches!(store.read_document(&digest), Err(Error::WrongDigest { .. })));
    }
}
