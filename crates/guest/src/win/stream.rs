//! Standard streams: Windows pipes to the process, joined to the Linux descriptors of the request.
//!
//! A program that is given a Linux pipe as its handle finds that it is no pipe of Windows: Node
//! for one then refuses to write. So it gets a real one, and a thread carries what passes.
//!
//! ```text
//! host --fd--> [thread] --pipe--> process --pipe--> [thread] --fd--> host
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::Pipes::{CreatePipe, PeekNamedPipe};

use super::error;
use super::handle::{Direction, Handle};
use super::linux::{self, Fd};

/// What one thread carries at once, and what a pipe holds.
const BUFFER: u32 = 64 << 10;
/// How long an exit waits for output that the host does not take.
const DRAIN: Duration = Duration::from_secs(5);

/// A stream before its process exists.
pub(super) struct Stream {
    fd: Fd,
    direction: Direction,
    /// This program's end.
    ours: Handle,
    /// The process' end, inheritable.
    theirs: Handle,
}

/// The streams of a running process.
#[derive(Debug, Default)]
pub(super) struct Streams {
    outputs: Vec<Arc<Output>>,
    /// Lets the thread that waits for the host's input go when the process has ended.
    ended: Option<Arc<Fd>>,
}

/// One output.
#[derive(Debug)]
struct Output {
    pipe: Handle,
    /// Its thread waits for the process to write.
    idle: AtomicBool,
    /// Every writer has closed it, or the host has.
    finished: AtomicBool,
}

impl Stream {
    /// A pipe for `fd`.
    pub(super) fn new(fd: Fd, direction: Direction) -> Result<Self, Failure> {
        let (mut read, mut write): (HANDLE, HANDLE) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: two places for two handles; no attributes.
        let ok = unsafe { CreatePipe(&raw mut read, &raw mut write, std::ptr::null(), BUFFER) };
        let (Some(read), Some(write)) = (Handle::own(read), Handle::own(write)) else {
            return Err(error::last("making a standard stream"));
        };
        if ok == 0 {
            return Err(error::last("making a standard stream"));
        }
        let (ours, theirs) = match direction {
            Direction::In => (write, read),
            Direction::Out => (read, write),
        };
        // SAFETY: the handle is open.
        unsafe { SetHandleInformation(theirs.raw(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) };
        Ok(Self { fd, direction, ours, theirs })
    }

    /// What the process inherits.
    pub(super) fn handle(&self) -> HANDLE {
        self.theirs.raw()
    }
}

impl Streams {
    /// Begins to carry; the process has its own handles by now.
    pub(super) fn carry(streams: Vec<Stream>) -> std::io::Result<Self> {
        let mut carried = Self::default();
        for Stream { fd, direction, ours, theirs } in streams {
            drop(theirs);
            match direction {
                Direction::In => {
                    let ended = Arc::new(linux::event()?);
                    carried.ended = Some(Arc::clone(&ended));
                    in_thread(move || carry_in(&fd, &ended, &ours))?;
                }
                Direction::Out => {
                    let output = Arc::new(Output {
                        pipe: ours,
                        idle: AtomicBool::new(false),
                        finished: AtomicBool::new(false),
                    });
                    carried.outputs.push(Arc::clone(&output));
                    in_thread(move || output.carry(&fd))?;
                }
            }
        }
        Ok(carried)
    }

    /// The process has ended: waits until what it wrote is with the host, also where a process
    /// that it started still holds the pipe.
    pub(super) fn drain(&self) {
        const QUIET: u32 = 3;
        if let Some(ended) = &self.ended {
            linux::set_event(ended);
        }
        let end = Instant::now() + DRAIN;
        let mut quiet = 0;
        while quiet < QUIET && Instant::now() < end {
            if self.outputs.iter().all(|output| output.finished.load(Ordering::Acquire)) {
                return;
            }
            quiet = if self.outputs.iter().all(|o| o.is_quiet()) { quiet + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Output {
    fn is_quiet(&self) -> bool {
        self.finished.load(Ordering::Acquire)
            || (self.idle.load(Ordering::Acquire) && self.available() == 0)
    }

    fn available(&self) -> u32 {
        let mut available = 0;
        // SAFETY: only the count is asked for.
        unsafe {
            PeekNamedPipe(
                self.pipe.raw(),
                std::ptr::null_mut(),
                0,
                std::ptr::null_mut(),
                &raw mut available,
                std::ptr::null_mut(),
            )
        };
        available
    }

    /// Until the last writer has closed the pipe, or the host its end.
    fn carry(&self, fd: &Fd) {
        let mut buffer = vec![0; BUFFER as usize];
        loop {
            self.idle.store(true, Ordering::Release);
            let count = read(&self.pipe, &mut buffer);
            self.idle.store(false, Ordering::Release);
            match count {
                Some(count) if fd.write(&buffer[..count]).is_ok() => {}
                _ => break,
            }
        }
        self.finished.store(true, Ordering::Release);
    }
}

/// Until the host closes its end, or the process ends or closes its own.
fn carry_in(fd: &Fd, ended: &Fd, pipe: &Handle) {
    let mut buffer = vec![0; BUFFER as usize];
    while linux::wait_readable(fd, ended) {
        match fd.read(&mut buffer) {
            Ok(count @ 1..) if write(pipe, &buffer[..count]) => {}
            _ => break,
        }
    }
}

/// `None` at the end.
fn read(pipe: &Handle, buffer: &mut [u8]) -> Option<usize> {
    let mut count = 0;
    // SAFETY: the buffer goes with its length.
    let ok = unsafe {
        ReadFile(pipe.raw(), buffer.as_mut_ptr(), BUFFER, &raw mut count, std::ptr::null_mut())
    };
    (ok != 0).then_some(count as usize)
}

fn write(pipe: &Handle, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let len = u32::try_from(bytes.len()).expect("a buffer's length");
        let mut count = 0;
        // SAFETY: the bytes go with their length.
        let ok = unsafe {
            WriteFile(pipe.raw(), bytes.as_ptr(), len, &raw mut count, std::ptr::null_mut())
        };
        if ok == 0 {
            return false;
        }
        bytes = &bytes[count as usize..];
    }
    true
}

fn in_thread(act: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("stream".into());
    thread.stack_size(super::serve::STACK).spawn(act).map(drop)
}
