//! What a process says, on its way to the client.
//!
//! While the process runs nothing is taken from it that the client has not read: a client that does not
//! read holds it up, and nothing is lost. Once the process has ended its container may go at any time, so
//! that the little that is left is taken into memory; there it waits for as long as somebody has the
//! client's pipe open, unless [`super::Relays`] stops it.

use std::io;
use std::time::Duration;

use engine::system::Reader;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::outlet::Outlet;

/// What is taken from a process at once.
const CHUNK: usize = 16 << 10;
/// What is kept at most of what a process said last: pipes hold less than that.
const MOST: usize = 1 << 20;
/// How long a stream of an ended process may be silent before it is given up.
pub(super) const SILENCE: Duration = Duration::from_secs(1);
/// How long streams of an ended process are listened to in all: a program that it started may go on
/// talking for ever.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long what an ended process said last waits for somebody to open the pipe again.
pub(super) const ABSENT: Duration = Duration::from_secs(10);
/// How often it is looked whether somebody has.
const LOOK: Duration = Duration::from_millis(50);

/// One stream on its way.
pub(super) struct Outgoing {
    from: Reader,
    to: Outlet,
    said: Vec<u8>,
    /// How much of that the client has.
    taken: usize,
}

impl Outgoing {
    pub(super) fn new(from: Reader, to: Outlet) -> Self {
        Self { from, to, said: Vec::with_capacity(CHUNK), taken: 0 }
    }

    /// Carries all of it. `ended` tells that the process has.
    pub(super) async fn carry(mut self, mut ended: watch::Receiver<bool>) {
        if self.while_it_runs(&mut ended).await {
            self.to.need_reader();
            self.last_words().await;
        }
        self.to.close().await;
    }

    /// Until the process has ended; `false` when there is nothing more to carry.
    async fn while_it_runs(&mut self, ended: &mut watch::Receiver<bool>) -> bool {
        loop {
            let goes_on = if self.said.is_empty() {
                tokio::select! {
                    read = self.from.read_buf(&mut self.said) => matches!(read, Ok(1..)),
                    _ = ended.wait_for(|over| *over) => return true,
                }
            } else {
                tokio::select! {
                    took = self.to.write(&self.said[self.taken..]) => self.took(&took),
                    _ = ended.wait_for(|over| *over) => return true,
                }
            };
            if !goes_on {
                return false;
            }
        }
    }

    /// `false` when the client takes no more.
    fn took(&mut self, some: &io::Result<usize>) -> bool {
        let &Ok(some @ 1..) = some else { return false };
        self.taken += some;
        if self.taken == self.said.len() {
            self.said.clear();
            self.taken = 0;
        }
        true
    }

    /// Takes what is left, and passes it on.
    async fn last_words(&mut self) {
        let (mut next, mut absent) = (Vec::new(), ABSENT);
        let (mut words, mut silence) = (LAST_WORDS, SILENCE);
        let (mut listens, mut heard) = (true, 0);
        loop {
            listens &= !words.is_zero();
            if !listens {
                // Whoever still has the other end talks to nobody.
                self.from = Box::pin(tokio::io::empty());
            }
            if self.said.is_empty() {
                std::mem::swap(&mut self.said, &mut next);
            }
            if self.said.is_empty() && !listens {
                return;
            }
            let takes = listens && next.len() < MOST;
            let begun = Instant::now();
            next.reserve(if takes { CHUNK } else { 0 });
            tokio::select! {
                read = self.from.read_buf(&mut next), if takes => {
                    listens = matches!(read, Ok(1..));
                    heard += read.unwrap_or(0);
                    words = words.saturating_sub(begun.elapsed());
                    silence = SILENCE;
                }
                () = tokio::time::sleep(silence.min(words)), if takes => listens = false,
                took = pass_on(&mut self.to, &self.said[self.taken..], &mut absent), if !self.said.is_empty() => {
                    // What pipes cannot have held when the process ended, another one says now.
                    let counts = takes || heard > MOST;
                    let passed = if counts { begun.elapsed() } else { Duration::ZERO };
                    (words, silence) = (words.saturating_sub(passed), silence.saturating_sub(passed));
                    if !self.took(&took) {
                        return;
                    }
                }
            }
        }
    }
}

/// Writes some of it. A pipe that nobody has open is waited for, as long as `absent` is not used up.
async fn pass_on(to: &mut Outlet, bytes: &[u8], absent: &mut Duration) -> io::Result<usize> {
    loop {
        match to.write(bytes).await {
            Err(error)
                if error.kind() == io::ErrorKind::BrokenPipe
                    && to.is_pipe()
                    && !absent.is_zero() =>
            {
                let wait = LOOK.min(*absent);
                tokio::time::sleep(wait).await;
                *absent -= wait;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// What waits for a slow client is bounded, and so is the time for which it is added to.
    #[tokio::test(start_paused = true)]
    async fn a_grandchild_that_floods_and_a_client_that_reads_slowly_come_to_an_end() {
        let (mut says, from) = tokio::io::duplex(CHUNK);
        let (mut hears, to) = tokio::io::duplex(CHUNK);
        tokio::spawn(async move { while says.write_all(&[b'x'; CHUNK]).await.is_ok() {} });
        let reads = tokio::spawn(async move {
            let (mut chunk, mut total) = ([0; 16 << 10], 0);
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                match hears.read(&mut chunk).await {
                    Ok(some @ 1..) => total += some,
                    _ => return total,
                }
            }
        });
        let (ended, heeds) = watch::channel(true);
        let outgoing = Outgoing::new(Box::pin(from), Outlet::other(Box::pin(to)));
        let carried = tokio::time::timeout(Duration::from_mins(1), outgoing.carry(heeds)).await;
        assert!(carried.is_ok(), "it never ends");
        assert!(reads.await.unwrap() <= 3 * MOST);
        drop(ended);
    }
}
