//! Pipes of the container's programs that the host reaches: for each connection of the host's the
//! pipe is opened, and what passes is carried both ways.
//!
//! The counterpart of [`super::served_pipes`], where an empty message means the same: its writer
//! is done, and may still read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::linux::Fd;
use super::pipe::Pipe;
use super::serve::STACK;

/// What is carried at once.
const BUFFER: usize = 32 << 10;

/// How often a reader is told that it is over, until it has heard: it may be between two reads.
const TELL: Duration = Duration::from_millis(5);

/// A connection and what it is joined to.
struct Ends {
    pipe: Pipe,
    connection: Fd,
    /// Nobody reads from the pipe any more.
    done: AtomicBool,
}

/// Joins a connection to a pipe, until either end has closed. Where nobody serves the pipe the
/// connection is closed at once.
pub(super) fn reach(name: &str, connection: Fd) -> io::Result<()> {
    let Ok(pipe) = Pipe::open_for_bytes(&format!(r"\\.\pipe\{name}")) else { return Ok(()) };
    let ends = Arc::new(Ends { pipe, connection, done: AtomicBool::new(false) });
    let other = Arc::clone(&ends);
    let thread = std::thread::Builder::new().name("reached pipe".into()).stack_size(STACK);
    thread.spawn(move || other.outwards())?;
    ends.inwards();
    Ok(())
}

impl Ends {
    /// From the program to the host, until the program closes the pipe or the host is gone.
    fn outwards(&self) {
        let mut buffer = vec![0; BUFFER];
        while let Ok(count) = self.pipe.read(&mut buffer) {
            let sent = match count {
                0 => self.connection.end_sending(),
                _ => self.connection.send(&buffer[..count]),
            };
            if sent.is_err() {
                break;
            }
        }
        let _ = self.connection.hang_up();
        self.done.store(true, Ordering::Release);
    }

    /// From the host to the program, until either has closed.
    fn inwards(&self) {
        let mut buffer = vec![0; BUFFER];
        let mut taken = true;
        while taken && let Ok(count @ 1..) = self.connection.read(&mut buffer) {
            taken = self.pipe.write(&buffer[..count]).is_ok();
        }
        if taken && !self.connection.is_hung_up() {
            // The host is done writing, and may still read.
            let _ = self.pipe.write(&[]);
            self.connection.wait_for_hang_up();
        }
        while !self.done.load(Ordering::Acquire) {
            self.pipe.give_up();
            std::thread::sleep(TELL);
        }
    }
}
