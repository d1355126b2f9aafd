//! Compressing a layer's archive while it is written.
//!
//! Gzip on several threads: the archive is cut into blocks that are deflated side by side and put
//! together as one stream of one member, so that every reader takes it. Where the cuts are depends
//! on nothing but the content: the same archive gives the same bytes on every machine.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use flate2::{Compress, Crc, FlushCompress};
use oci_spec::image::MediaType;

/// What is deflated at once.
const BLOCK: usize = 1 << 20;
const MOST_THREADS: usize = 8;
/// A member without a name and without a time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last block.
const LAST: [u8; 2] = [3, 0];

/// How a layer's archive is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    Uncompressed,
    /// Gzip of this level, 0 to 9.
    Gzip(u32),
    /// Zstandard of this level, 1 to 22.
    Zstd(i32),
}

impl Default for Compression {
    fn default() -> Self {
        Self::Gzip(6)
    }
}

impl Compression {
    /// Whether there are several ways to do it.
    pub(crate) fn has_level(self) -> bool {
        !matches!(self, Self::Uncompressed)
    }

    pub(crate) fn media_type(self) -> MediaType {
        match self {
            Self::Uncompressed => MediaType::ImageLayer,
            Self::Gzip(_) => MediaType::ImageLayerGzip,
            Self::Zstd(_) => MediaType::ImageLayerZstd,
        }
    }
}

/// Writes what it is given compressed.
pub(crate) enum Encoder<W: Write> {
    Plain(W),
    Gzip(Box<Gzip<W>>),
    Zstd(Box<zstd::Encoder<'static, W>>),
}

impl<W: Write> Encoder<W> {
    pub(crate) fn new(out: W, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Uncompressed => Self::Plain(out),
            Compression::Gzip(level) => Self::Gzip(Box::new(Gzip::new(out, level)?)),
            Compression::Zstd(level) => {
                let mut encoder = zstd::Encoder::new(out, level)?;
                // The number changes nothing about the result, only that it is not 0.
                encoder.multithread(u32::try_from(threads()).unwrap_or(1))?;
                // No sum of its own: a layer is known by its digest, which says more.
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    /// Writes what is left, and gives back what was written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Gzip(gzip) => gzip.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(gzip) => gzip.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush in between would make the result depend on who asks for it.
        Ok(())
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// A gzip member in the making.
pub(crate) struct Gzip<W> {
    out: W,
    level: u32,
    block: Vec<u8>,
    crc: Crc,
    /// Blocks at work, in order.
    ahead: VecDeque<Receiver<Deflated>>,
    pool: Option<Pool>,
}

struct Job {
    block: Vec<u8>,
    answer: Sender<Deflated>,
}

struct Deflated {
    bytes: Vec<u8>,
    crc: Crc,
    spare: Vec<u8>,
}

struct Pool {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl<W: Write> Gzip<W> {
    fn new(mut out: W, level: u32) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let block = Vec::with_capacity(BLOCK);
        Ok(Self { out, level, block, crc: Crc::new(), ahead: VecDeque::new(), pool: None })
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let level = self.level;
        let pool = self.pool.get_or_insert_with(|| Pool::start(level));
        let most = 2 * pool.threads.len();
        let (answer, waiting) = channel();
        let spare = if self.ahead.len() >= most { self.take()? } else { Vec::new() };
        let block = std::mem::replace(&mut self.block, spare);
        self.block.clear();
        self.block.reserve(BLOCK);
        self.pool.as_ref().expect("it was started above").submit(Job { block, answer });
        self.ahead.push_back(waiting);
        Ok(())
    }

    /// Writes the oldest block that is at work, and gives its memory back.
    fn take(&mut self) -> io::Result<Vec<u8>> {
        let Some(waiting) = self.ahead.pop_front() else { return Ok(Vec::new()) };
        let done = waiting.recv().map_err(|_| io::Error::other("compressing was cut off"))?;
        self.add(done)
    }

    fn add(&mut self, done: Deflated) -> io::Result<Vec<u8>> {
        self.crc.combine(&done.crc);
        self.out.write_all(&done.bytes)?;
        Ok(done.spare)
    }

    fn finish(mut self) -> io::Result<W> {
        while !self.ahead.is_empty() {
            self.take()?;
        }
        if !self.block.is_empty() {
            let block = std::mem::take(&mut self.block);
            self.add(deflate(block, self.level))?;
        }
        self.out.write_all(&LAST)?;
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..n]);
        if self.block.len() == BLOCK {
            self.hand_over()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pool {
    fn start(level: u32) -> Self {
        let (jobs, waiting) = sync_channel::<Job>(threads());
        let waiting = Arc::new(Mutex::new(waiting));
        let worker = |_| {
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || {
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { block, answer }) = job else { return };
                    // Whoever asked may have given up.
                    let _ = answer.send(deflate(block, level));
                }
            })
        };
        Self { jobs: Some(jobs), threads: (0..threads()).map(worker).collect() }
    }

    fn submit(&self, job: Job) {
        // Workers end when this end of the channel does; one that panicked answers nothing, which
        // whoever waits for it finds out.
        let _ = self.jobs.as_ref().expect("it is open until the drop").send(job);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            // A panic of a worker was told already, as a block that did not come.
            let _ = thread.join();
        }
    }
}

/// Deflates a block that another one may follow: it ends at a whole byte.
fn deflate(block: Vec<u8>, level: u32) -> Deflated {
    let mut crc = Crc::new();
    crc.update(&block);
    let mut deflater = Compress::new(flate2::Compression::new(level), false);
    let mut bytes = Vec::with_capacity(block.len() / 2 + 1024);
    loop {
        let before = bytes.len();
        let done = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
        bytes.reserve(64 << 10);
        deflater
            .compress_vec(&block[done..], &mut bytes, FlushCompress::Sync)
            .expect("a deflater only fails when it is used after its end");
        let done = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
        // Room that was left is the sign that there is nothing more to write.
        if done == block.len() && bytes.len() < bytes.capacity() || bytes.len() == before {
            return Deflated { bytes, crc, spare: block };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn archive(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(|at| if at % 3 == 0 { next() } else { b'x' }).collect()
    }

    fn encoded(bytes: &[u8], compression: Compression, piece: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), compression).unwrap();
        for piece in bytes.chunks(piece.max(1)) {
            encoder.write_all(piece).unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn one_member_says_what_was_written_however_it_came() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 77] {
            let bytes = archive(length);
            let whole = encoded(&bytes, Compression::Gzip(6), usize::MAX);
            assert_eq!(whole, encoded(&bytes, Compression::Gzip(6), 70_001));
            let mut back = Vec::new();
            // Reads one member only, and checks its sum.
            let mut reader = GzDecoder::new(whole.as_slice());
            reader.read_to_end(&mut back).unwrap();
            assert!(reader.into_inner().is_empty() && back == bytes, "{length}");
        }
    }

    #[test]
    fn incompressible_blocks_and_every_level_come_back() {
        let bytes: Vec<u8> = archive(3 * BLOCK).into_iter().step_by(3).collect();
        for level in 0..=9 {
            let mut back = Vec::new();
            let whole = encoded(&bytes, Compression::Gzip(level), usize::MAX);
            GzDecoder::new(whole.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == bytes, "{level}");
        }
    }

    #[test]
    fn zstandard_is_the_same_however_it_came() {
        let bytes = archive(3 * BLOCK);
        let whole = encoded(&bytes, Compression::Zstd(3), usize::MAX);
        assert_eq!(whole, encoded(&bytes, Compression::Zstd(3), 70_001));
        assert!(zstd::decode_all(whole.as_slice()).unwrap() == bytes);
    }
}
