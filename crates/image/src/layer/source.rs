//! A blob as the archive in it: decompressed on a thread of its own, hashed as it is read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

const CHUNK: usize = 512 << 10;
/// How many chunks may wait for the reader.
const AHEAD: usize = 8;

/// The uncompressed bytes of a blob.
pub(crate) struct Source {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    hasher: Sha256,
    /// Bytes that may still come.
    allowance: u64,
}

/// Counts the compressed bytes that go by, for whoever shows progress.
struct Counted<'a, R>(R, &'a AtomicU64);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    /// Starts to read `blob`; never gives more than `allowance` bytes.
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        blob: File,
        consumed: &'scope AtomicU64,
        allowance: u64,
    ) -> Self {
        let (send, chunks) = sync_channel(AHEAD);
        scope.spawn(move || {
            let mut reader = match decompressed(Counted(blob, consumed)) {
                Ok(reader) => reader,
                Err(e) => return drop(send.send(Err(e))),
            };
            loop {
                let chunk = fill(&mut reader);
                let last = !matches!(&chunk, Ok(chunk) if !chunk.is_empty());
                // A reader that has gone wants no more.
                if send.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        Self { chunks, chunk: Vec::new(), at: 0, hasher: Sha256::new(), allowance }
    }

    /// Reads what follows the archive's end and tells the digest of everything.
    pub(crate) fn finish(mut self) -> io::Result<Digest> {
        while self.advance()? {}
        Ok(Digest::from_hasher(self.hasher))
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let chunk = self.chunks.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
        self.allowance = self.allowance.checked_sub(chunk.len() as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the archive is larger than max_unpacked_bytes allows",
            )
        })?;
        self.hasher.update(&chunk);
        (self.chunk, self.at) = (chunk, 0);
        Ok(!self.chunk.is_empty())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() && !self.advance()? {
            return Ok(0);
        }
        let n = buffer.len().min(self.chunk.len() - self.at);
        buffer[..n].copy_from_slice(&self.chunk[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// A reader of what is in `input`: gzip, zstd, or nothing of the kind.
pub(crate) fn decompressed<'a>(
    input: impl Read + 'a + Send,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut input = BufReader::with_capacity(CHUNK, input);
    let magic = std::io::BufRead::fill_buf(&mut input)?;
    if magic.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input)));
    }
    if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(zstd::Decoder::with_buffer(input)?));
    }
    Ok(Box::new(input))
}

/// A full chunk, or what is left.
fn fill(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK];
    let mut filled = 0;
    while filled < CHUNK {
        match reader.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    chunk.truncate(filled);
    Ok(chunk)
}
