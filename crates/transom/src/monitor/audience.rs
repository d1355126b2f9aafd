//! Those who look at a container: every connection to its monitor.
//!
//! A frame is given to all who asked for its kind, and is waited for until each has room: a slow
//! reader slows the container down, as a slow terminal does, and nothing grows without bound. Once
//! the container has ended it is waited for no longer than the monitor has patience
//! ([`Audience::hurry`]).

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{mpsc, watch};

use crate::attach::wire::{Exit, Failure, Hello, Tell};

/// Frames that may wait for one reader.
const QUEUE: usize = 16;

/// A frame, shared by all who get it.
pub(super) type Frame = Arc<[u8]>;

/// All connections. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience {
    seats: Arc<Mutex<Seats>>,
    /// Whoever has no room is left behind.
    hurried: watch::Sender<bool>,
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
    frames: mpsc::Sender<Frame>,
}

impl Audience {
    /// Adds a connection; frames for it come out of the channel, which also takes its answers.
    pub(super) fn join(&self, hello: Hello) -> (u64, mpsc::Sender<Frame>, mpsc::Receiver<Frame>) {
        let (frames, receiver) = mpsc::channel(QUEUE);
        let mut seats = self.seats();
        seats.next += 1;
        let number = seats.next;
        seats.taken.push(Seat { number, hello, frames: frames.clone() });
        (number, frames, receiver)
    }

    /// Removes a connection.
    pub(super) fn leave(&self, number: u64) {
        self.seats().taken.retain(|seat| seat.number != number);
    }

    /// What the process wrote, for those who want it.
    pub(super) async fn output(&self, frame: Frame, stderr: bool) {
        self.tell(frame, |hello| if stderr { hello.stderr } else { hello.stdout }).await;
    }

    /// The process runs.
    pub(super) async fn started(&self, pid: u32) {
        self.tell(Tell::Started { pid }.encode().into(), |hello| hello.exit).await;
    }

    /// It could not be started.
    pub(super) async fn failed(&self, failure: Failure) {
        self.tell(Tell::Failed(failure).encode().into(), |hello| hello.exit).await;
    }

    /// It has ended.
    pub(super) async fn exited(&self, exit: Exit) {
        self.tell(Tell::Exited(exit).encode().into(), |hello| hello.exit).await;
    }

    async fn tell(&self, frame: Frame, wants: impl Fn(&Hello) -> bool) {
        let seats: Vec<Seat> =
            self.seats().taken.iter().filter(|seat| wants(&seat.hello)).cloned().collect();
        for seat in seats {
            let mut hurried = self.hurried.subscribe();
            let sent = tokio::select! {
                biased;
                sent = seat.frames.send(frame.clone()) => sent.is_ok(),
                _ = hurried.wait_for(|hurried| *hurried) => false,
            };
            if !sent {
                self.leave(seat.number);
            }
        }
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
