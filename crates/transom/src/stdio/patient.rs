//! Passing on what a process writes to somebody who may be slow.
//!
//! While the process runs, a slow reader slows it down and nothing grows. Once it has ended its
//! shim has no patience: what the pipes still hold is taken over at once, and kept for the reader.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is read at once.
const CHUNK: usize = 64 << 10;
/// Bytes that are kept for a reader. Pipes hold no more than a fraction.
const KEPT: usize = 64 << 20;

/// Passes on everything. `ended` is waited for only when the reader is slow, and may then ask
/// whether the process has ended.
pub async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    ended: impl Future<Output = ()>,
) -> Result<()> {
    tokio::pin!(ended);
    let mut kept = Kept::default();
    let (mut more, mut over, mut held) = (true, false, false);
    let mut buffer = vec![0; CHUNK];
    while more || !kept.is_empty() {
        let room = kept.is_empty() || (over && kept.bytes < KEPT);
        tokio::select! {
            biased;
            passed = kept.pass_on(&mut to), if held || !kept.is_empty() => {
                held = !kept.is_empty();
                if held || passed.is_err() {
                    kept.written(passed.unwrap_or(0));
                }
            }
            read = from.read(&mut buffer), if more && room => {
                let count = read.context("reading output")?;
                more = count > 0;
                kept.push(&buffer[..count]);
            }
            () = &mut ended, if !over && !kept.is_empty() => over = true,
        }
    }
    // Who has gone hears no more.
    to.flush().await.ok();
    Ok(())
}

/// What was read and is not written yet.
#[derive(Debug, Default)]
struct Kept {
    chunks: VecDeque<Vec<u8>>,
    /// Of the first, how much is written.
    done: usize,
    bytes: usize,
    /// Nobody reads it any more (`| head`); the process goes on.
    unheard: bool,
}

impl Kept {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Writes of the first; or, when all is written, out. A prompt has no end of line, and standard
    /// streams hold back what has none.
    async fn pass_on(&self, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<usize> {
        if self.is_empty() {
            return to.flush().await.map(|()| 0);
        }
        to.write(self.front()).await
    }

    fn front(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |chunk| &chunk[self.done..])
    }

    fn push(&mut self, bytes: &[u8]) {
        if !self.unheard && !bytes.is_empty() {
            self.bytes += bytes.len();
            self.chunks.push_back(bytes.to_vec());
        }
    }

    /// So much of the first; nothing when it cannot be written.
    fn written(&mut self, count: usize) {
        if count == 0 {
            *self = Self { unheard: true, ..Self::default() };
            return;
        }
        self.done += count;
        self.bytes -= count;
        if self.front().is_empty() {
            self.chunks.pop_front();
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_waited_for_until_the_end_and_then_gets_the_rest() {
        let (mut says, from) = tokio::io::duplex(CHUNK);
        let (to, mut listener) = tokio::io::duplex(16);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let passing = tokio::spawn(pass(from, to, async move { drop(ended.await) }));
        let text: Vec<u8> = (0..CHUNK * 4).map(|n| n.to_le_bytes()[0]).collect();
        let said = text.clone();
        let mut saying = tokio::spawn(async move { says.write_all(&said).await.unwrap() });
        let soon = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, &mut saying).await.is_err(), "it has to wait");
        end.send(()).unwrap();
        saying.await.unwrap();
        let mut heard = Vec::new();
        listener.read_to_end(&mut heard).await.unwrap();
        assert!(heard == text, "{} of {} bytes", heard.len(), text.len());
        passing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_prompt_is_shown_without_its_line_being_ended() {
        let (mut says, from) = tokio::io::duplex(64);
        let (to, mut listener) = tokio::io::duplex(64);
        let buffered = tokio::io::BufWriter::new(to);
        let passing = tokio::spawn(pass(from, buffered, std::future::pending()));
        says.write_all(b"C:\\>").await.unwrap();
        let mut heard = [0; 4];
        let limit = std::time::Duration::from_secs(40);
        tokio::time::timeout(limit, listener.read_exact(&mut heard)).await.unwrap().unwrap();
        assert_eq!(&heard, b"C:\\>");
        drop(says);
        passing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_does_not_listen_any_more_holds_nobody_up() {
        let (mut says, from) = tokio::io::duplex(64);
        let (to, listener) = tokio::io::duplex(16);
        drop(listener);
        let passing = tokio::spawn(pass(from, to, std::future::pending()));
        says.write_all(&[1; 4096]).await.unwrap();
        drop(says);
        passing.await.unwrap().unwrap();
    }
}
