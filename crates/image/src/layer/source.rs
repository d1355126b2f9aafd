//! A blob as the archive in it: decompressed on a thread of its own, hashed as it is read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::Scope;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

const CHUNK: usize = 512 << 10;
/// How many chunks may wait for the reader.
const AHEAD: usize = 8;

/// The uncompressed bytes of a blob.
pub(crate) struct Source {
    chunks: Receiver<io::Result<Chunk>>,
    /// Read chunks go back to be filled again.
    spares: Sender<Vec<u8>>,
    chunk: Chunk,
    at: usize,
    hasher: Sha256,
    /// Bytes that may still come.
    allowance: u64,
}

/// A buffer and how much of it is filled: none at the end.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    filled: usize,
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
        let (spares, spare) = channel::<Vec<u8>>();
        scope.spawn(move || {
            let mut reader = match decompressed(Counted(blob, consumed)) {
                Ok(reader) => reader,
                Err(e) => return drop(send.send(Err(e))),
            };
            loop {
                let buffer = spare.try_recv().unwrap_or_else(|_| vec![0; CHUNK]);
                let chunk = fill(&mut reader, buffer);
                let last = !matches!(&chunk, Ok(chunk) if chunk.filled > 0);
                // A reader that has gone wants no more.
                if send.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        let hasher = Sha256::new();
        Self { chunks, spares, chunk: Chunk::default(), at: 0, hasher, allowance }
    }

    /// Reads what follows the archive's end and tells the digest of everything.
    pub(crate) fn finish(mut self) -> io::Result<Digest> {
        while self.advance()? {}
        Ok(Digest::from_hasher(self.hasher))
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let chunk = self.chunks.recv().unwrap_or_else(|_| Ok(Chunk::default()))?;
        self.allowance = self.allowance.checked_sub(chunk.filled as u64).ok_or_else(|| {
            let words = "the archive is larger than max_unpacked_bytes allows";
            io::Error::new(io::ErrorKind::FileTooLarge, words)
        })?;
        self.hasher.update(&chunk.bytes[..chunk.filled]);
        let used = std::mem::replace(&mut self.chunk, chunk);
        // Whoever fills them may have come to the end.
        let _ = self.spares.send(used.bytes);
        self.at = 0;
        Ok(self.chunk.filled > 0)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let n = buffer.len().min(there.len());
        buffer[..n].copy_from_slice(&there[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.filled {
            self.advance()?;
        }
        Ok(&self.chunk.bytes[self.at..self.chunk.filled])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

/// A reader of what is in `input`: gzip, zstd, or nothing of the kind.
pub(crate) fn decompressed<'a>(
    input: impl Read + 'a + Send,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut input = BufReader::with_capacity(CHUNK, input);
    let magic = input.fill_buf()?;
    if magic.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input)));
    }
    if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(zstd::Decoder::with_buffer(input)?));
    }
    Ok(Box::new(input))
}

/// A full chunk, or what is left.
fn fill(reader: &mut impl Read, mut bytes: Vec<u8>) -> io::Result<Chunk> {
    bytes.resize(CHUNK, 0);
    let mut filled = 0;
    while filled < CHUNK {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(Chunk { bytes, filled })
}
