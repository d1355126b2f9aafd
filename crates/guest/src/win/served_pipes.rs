//! Pipes that sockets of the host answer: for each client the host is asked for a connection, and
//! what passes is carried both ways.
//!
//! A pipe has no half-close of its own. As Docker's own pipes do, these pass messages and are read
//! as bytes, so that an empty message can say that its writer is done; closing a pipe says that
//! to every other program. A peer that hangs up closes the pipe, which is how most programs hear
//! of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schema::guest::Failure;

use super::linux::Fd;
use super::pipe::Pipe;
use super::serve::STACK;

/// What is carried at once.
const BUFFER: usize = 32 << 10;

/// The most clients that wait for a connection or have one.
const MOST_CLIENTS: usize = 1024;

/// The clients of every pipe.
#[derive(Default)]
pub(super) struct ServedPipes {
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    next: u64,
    waiting: BTreeMap<u64, Pipe>,
    /// Those that wait, and those that have a connection.
    count: usize,
}

impl ServedPipes {
    /// Serves a pipe from now on; `report` tells the host of each client.
    pub(super) fn serve(
        self: &Arc<Self>,
        name: String,
        report: impl Fn(&str, u64) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Failure> {
        let path = format!(r"\\.\pipe\{name}");
        let mut instance = Pipe::listen_for_bytes(&path)?;
        let served = Arc::clone(self);
        in_thread(move || {
            while instance.wait_for_client().is_ok() {
                // The next one first: there is hardly a moment in which nobody listens.
                let Ok(next) = Pipe::listen_for_bytes(&path) else { break };
                let client = std::mem::replace(&mut instance, next);
                if let Some(number) = served.keep(client)
                    && report(&name, number).is_err()
                {
                    break;
                }
            }
        })
        .map_err(|error| Failure { code: 8, message: format!("serving a pipe: {error}") })
    }

    /// Gives a client its connection; without one it is sent away.
    pub(super) fn connect(
        self: &Arc<Self>,
        number: u64,
        connection: Option<Fd>,
    ) -> Result<(), Failure> {
        let Some(pipe) = self.clients().waiting.remove(&number) else {
            return Err(Failure { code: 1168, message: format!("no client {number} waits") });
        };
        let turn = Turn(Arc::clone(self));
        let Some(connection) = connection else { return Ok(()) };
        let ends = Arc::new((pipe, connection, turn));
        let other = Arc::clone(&ends);
        in_thread(move || outwards(&ends.0, &ends.1))
            .and_then(|()| in_thread(move || inwards(&other.1, &other.0)))
            .map_err(|error| Failure { code: 8, message: format!("carrying a pipe: {error}") })
    }

    /// The number of a new client, while there are not too many.
    fn keep(&self, client: Pipe) -> Option<u64> {
        let mut clients = self.clients();
        if clients.count >= MOST_CLIENTS {
            return None;
        }
        clients.count += 1;
        clients.next += 1;
        let number = clients.next;
        clients.waiting.insert(number, client);
        Some(number)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that counts until this goes.
struct Turn(Arc<ServedPipes>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.clients().count -= 1;
    }
}

/// From a program to the host, until the program closes the pipe or the host takes no more.
fn outwards(pipe: &Pipe, connection: &Fd) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count) = pipe.read(&mut buffer) {
        let sent = match count {
            // It is done writing, and may still read.
            0 => connection.end_sending(),
            _ => connection.send(&buffer[..count]),
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = connection.hang_up();
}

/// From the host to a program, until either has closed.
fn inwards(connection: &Fd, pipe: &Pipe) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = connection.read(&mut buffer) {
        if pipe.write(&buffer[..count]).is_err() {
            return;
        }
    }
    if !connection.is_hung_up() {
        // The host is done writing, and may still read.
        let _ = pipe.write(&[]);
        connection.wait_for_hang_up();
    }
    pipe.disconnect();
}

fn in_thread(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("served pipe".into());
    thread.stack_size(STACK).spawn(act).map(drop)
}
