//! Those who look at a container: every connection to its monitor.
//!
//! Output is given to all who asked for it, and is waited for until each has room: a slow reader
//! slows the container down, as a slow terminal does, and nothing grows without bound. Once the
//! container has ended nobody waits any more ([`Audience::hurry`]): what the pipes still had, which
//! is little, is kept for those who are slow, and they get it in their own time. What else is said
//! is short and never waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::attach::wire::{Exit, Failure, Hello, Tell};

/// Frames of output that may wait for one reader while the container runs.
const QUEUE: usize = 16;
/// Bytes that are kept for one reader after its end. Pipes hold no more than a fraction; what a
/// process that outlives the container's own writes without end does not fill the memory.
const KEPT: usize = 64 << 20;

/// A frame, shared by all who get it.
pub(super) type Frame = Arc<[u8]>;

/// A frame on its way to one reader.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) frame: Frame,
    _room: Option<OwnedSemaphorePermit>,
    _kept: Option<Kept>,
}

/// Counts what is kept for a reader, as long as it is.
#[derive(Debug)]
struct Kept(Arc<AtomicUsize>, usize);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Parcel {
    /// Something short.
    pub(super) fn of(frame: Frame) -> Self {
        Self { frame, _room: None, _kept: None }
    }
}

/// All connections. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience {
    seats: Arc<Mutex<Seats>>,
    /// Nobody is waited for.
    hurried: watch::Sender<bool>,
    /// Somebody was.
    slow: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: Vec<Seat>,
}

#[derive(Debug, Clone)]
struct Seat {
    number: u64,
    hello: Hello,
    parcels: mpsc::UnboundedSender<Parcel>,
    room: Arc<Semaphore>,
    kept: Arc<AtomicUsize>,
}

impl Audience {
    /// Adds a connection; what it is told comes out of the channel, which also takes its answers.
    pub(super) fn join(
        &self,
        hello: Hello,
    ) -> (u64, mpsc::UnboundedSender<Parcel>, mpsc::UnboundedReceiver<Parcel>) {
        let (parcels, receiver) = mpsc::unbounded_channel();
        let mut seats = self.seats();
        seats.next += 1;
        let number = seats.next;
        let (room, kept) = (Arc::new(Semaphore::new(QUEUE)), Arc::default());
        seats.taken.push(Seat { number, hello, parcels: parcels.clone(), room, kept });
        (number, parcels, receiver)
    }

    /// Removes a connection.
    pub(super) fn leave(&self, number: u64) {
        self.seats().taken.retain(|seat| seat.number != number);
    }

    /// What the process wrote, for those who want it.
    pub(super) async fn output(&self, frame: Frame, stderr: bool) {
        let wants = |hello: &Hello| if stderr { hello.stderr } else { hello.stdout };
        for seat in self.who(wants) {
            if let Ok(room) = seat.room.clone().try_acquire_owned() {
                if !seat.give(&frame, Some(room)) {
                    self.leave(seat.number);
                }
                continue;
            }
            self.slow.notify_one();
            let mut hurried = self.hurried.subscribe();
            let given = tokio::select! {
                biased;
                // Nobody closes it: a reader who goes gives its room back.
                room = seat.room.clone().acquire_owned() => seat.give(&frame, room.ok()),
                _ = hurried.wait_for(|hurried| *hurried) => seat.keep(&frame),
            };
            if !given {
                self.leave(seat.number);
            }
        }
    }

    /// The process runs.
    pub(super) fn started(&self, pid: u32) {
        self.tell(&Tell::Started { pid });
    }

    /// It could not be started.
    pub(super) fn failed(&self, failure: Failure) {
        self.tell(&Tell::Failed(failure));
    }

    /// It has ended.
    pub(super) fn exited(&self, exit: Exit) {
        self.tell(&Tell::Exited(exit));
    }

    fn tell(&self, tell: &Tell) {
        let frame: Frame = tell.encode().into();
        for seat in self.who(|hello| hello.exit) {
            if !seat.give(&frame, None) {
                self.leave(seat.number);
            }
        }
    }

    fn who(&self, wants: impl Fn(&Hello) -> bool) -> Vec<Seat> {
        self.seats().taken.iter().filter(|seat| wants(&seat.hello)).cloned().collect()
    }

    /// Waits until a reader is slow.
    pub(super) async fn slow(&self) {
        self.slow.notified().await;
    }

    /// From now on nobody is waited for. The next run begins with patience again.
    pub(super) fn hurry(&self, hurry: bool) {
        self.hurried.send_replace(hurry);
    }

    /// Ends every connection once its frames are out.
    pub(super) fn close(&self) {
        self.seats().taken.clear();
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().expect("nothing panics while it is held")
    }
}

impl Seat {
    /// `false` when the reader has gone.
    fn give(&self, frame: &Frame, room: Option<OwnedSemaphorePermit>) -> bool {
        self.parcels.send(Parcel { frame: frame.clone(), _room: room, _kept: None }).is_ok()
    }

    /// The same for what there is no room for; `false` also when too much is kept already.
    fn keep(&self, frame: &Frame) -> bool {
        let size = frame.len();
        let before = self.kept.fetch_add(size, Ordering::Relaxed);
        let kept = Some(Kept(self.kept.clone(), size));
        before + size <= KEPT
            && self.parcels.send(Parcel { frame: frame.clone(), _room: None, _kept: kept }).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Hello = Hello { stdin: false, stdout: true, stderr: true, exit: true };

    fn frame(size: usize) -> Frame {
        vec![1; size].into()
    }

    #[tokio::test]
    async fn a_slow_reader_is_waited_for_until_the_end_and_then_gets_the_rest() {
        let audience = Audience::default();
        let (_, _, mut parcels) = audience.join(ALL);
        for _ in 0..QUEUE {
            audience.output(frame(1), false).await;
        }
        let more = audience.output(frame(2), true);
        tokio::pin!(more);
        let soon = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, more.as_mut()).await.is_err(), "there is no room");
        audience.hurry(true);
        more.await;
        audience.output(frame(3), false).await;
        audience.exited(Exit::default());
        audience.close();
        let mut sizes = Vec::new();
        while let Some(parcel) = parcels.recv().await {
            sizes.push(parcel.frame.len());
        }
        let exited = Tell::Exited(Exit::default()).encode().len();
        assert_eq!(sizes, [vec![1; QUEUE], vec![2, 3, exited]].concat());
    }

    #[tokio::test]
    async fn what_is_kept_for_a_reader_is_bounded_and_counted_back() {
        let audience = Audience::default();
        let (_, _, mut parcels) = audience.join(ALL);
        audience.hurry(true);
        for _ in 0..QUEUE {
            audience.output(frame(1), false).await;
        }
        audience.output(frame(KEPT), false).await;
        for _ in 0..=QUEUE {
            assert!(parcels.recv().await.is_some());
        }
        for _ in 0..QUEUE {
            audience.output(frame(1), false).await;
        }
        audience.output(frame(KEPT), false).await;
        assert_eq!(audience.who(|_| true).len(), 1, "what was read counts no more");
        audience.output(frame(1), false).await;
        assert_eq!(audience.who(|_| true).len(), 0, "too much");
    }

    #[tokio::test]
    async fn a_reader_who_goes_holds_nobody_up() {
        let audience = Audience::default();
        let (_, sender, parcels) = audience.join(ALL);
        for _ in 0..QUEUE {
            audience.output(frame(1), false).await;
        }
        drop(parcels);
        audience.output(frame(1), false).await;
        audience.output(frame(1), false).await;
        assert!(sender.is_closed());
        assert_eq!(audience.who(|_| true).len(), 0);
    }
}
