//! The helper's life: make the tree, start the program, hand over what it serves, and end it when
//! nobody uses that any more.
//!
//! Nobody tells the helper to end. What it hands over carries a lock, or is the only mount of its
//! kind; the kernel gives up either when the silo's last mount goes.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, UnmountFlags, open_tree, unmount};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::programs::{READY, SERVED};
use super::{FLUSHED_WITHIN, Order, Service, confine, programs, stage};
use crate::error::ErrorKind;
use crate::sys::protocol::Refusal;
use crate::sys::wire::{Conn, Descriptors};

/// How long a program may take until it serves.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The whole life.
pub(crate) fn main() -> ExitCode {
    if rustix::process::setsid().is_err() {
        return ExitCode::FAILURE;
    }
    // A program that is started from here must not keep the asker waiting.
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3);
    let Ok(stdin) = stdin else { return ExitCode::FAILURE };
    let Ok(mut asker) = Conn::new(stdin, Descriptors::Taken) else { return ExitCode::FAILURE };
    let Ok(order) = asker.wait_next::<Order>() else { return ExitCode::FAILURE };
    // Both are open to the end: the image's lock and the silo's are on them.
    let Ok([image, _lease]) = <[OwnedFd; 2]>::try_from(asker.take_fds()) else {
        return ExitCode::FAILURE;
    };
    match start(&order, &image) {
        Ok((mut serving, given)) => {
            let done: Result<(), Refusal> = Ok(());
            // An asker that has gone meanwhile holds nothing, and what follows ends at once.
            let _ = asker.send(&done, vec![given]);
            drop(asker);
            close_stdin();
            serving.until_unused(&order);
            ExitCode::SUCCESS
        }
        Err(kind) => {
            let refused: Result<(), Refusal> = Err(kind.into());
            let _ = asker.send(&refused, vec![]);
            ExitCode::FAILURE
        }
    }
}

/// The socket is standard input too, and must not look open.
fn close_stdin() {
    if let Ok(null) = File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(null);
    }
}

fn start(order: &Order, image: &OwnedFd) -> Result<(Serving, OwnedFd), ErrorKind> {
    let image = stage::mount_of(image)?;
    confine::unshare()?;
    stage::enter(&image, order.service)?;
    drop(image);
    confine::limit()?;
    let mut serving = Serving::spawn(order)?;
    serving.until_ready(order)?;
    let given = match order.service {
        Service::Disk(_) => disk(order.read_only)?,
        Service::Ntfs => file_system()?,
    };
    Ok((serving, given))
}

/// The served disk, with a lock that lasts as long as anyone has it open.
fn disk(read_only: bool) -> Result<OwnedFd, ErrorKind> {
    let fail = |e| ErrorKind::io("open what is served", e);
    let file = File::options().read(true).write(!read_only).open(SERVED).map_err(fail)?;
    file.lock_shared().map_err(fail)?;
    Ok(file.into())
}

/// The served file system. Its own mount goes, so that it ends with what is handed over.
fn file_system() -> Result<OwnedFd, ErrorKind> {
    let fail = |e: rustix::io::Errno| ErrorKind::io("take what is mounted", e);
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, SERVED, flags).map_err(fail)?;
    unmount(SERVED, UnmountFlags::DETACH).map_err(fail)?;
    Ok(tree)
}

/// A program that serves.
struct Serving {
    program: Child,
    said: File,
}

impl Serving {
    fn spawn(order: &Order) -> Result<Self, ErrorKind> {
        let name = order.program.display().to_string();
        let fail = |e| ErrorKind::io(format!("start {name}"), e);
        let said = File::options().read(true).write(true).create(true).truncate(true).open("/said");
        let said = said.map_err(fail)?;
        let mut command = programs::command(order);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(said.try_clone().map_err(fail)?);
        confine::end_with_helper(&mut command);
        let program = command.spawn().map_err(fail)?;
        Ok(Self { program, said })
    }

    /// Waits until it serves; when it ends instead, its own words are the reason.
    fn until_ready(&mut self, order: &Order) -> Result<(), ErrorKind> {
        let since = Instant::now();
        loop {
            if let Ok(Some(_)) = self.program.try_wait() {
                return Err(ErrorKind::io(told(order), io::Error::other(self.words())));
            }
            if is_served(order.service) {
                return Ok(());
            }
            if since.elapsed() > READY_WITHIN {
                self.stop();
                return Err(ErrorKind::io(told(order), io::Error::from(io::ErrorKind::TimedOut)));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The end of what it wrote to standard error.
    fn words(&self) -> String {
        use std::os::unix::fs::FileExt;
        let mut text = vec![0; 1024];
        let length = self.said.metadata().map_or(0, |found| found.len());
        let from = length.saturating_sub(text.len() as u64);
        let count = self.said.read_at(&mut text, from).unwrap_or(0);
        String::from_utf8_lossy(&text[..count]).trim().to_owned()
    }

    fn until_unused(&mut self, order: &Order) {
        match order.service {
            Service::Disk(_) => {
                until_unlocked();
                self.stop();
            }
            // It ends by itself when its mount has gone.
            Service::Ntfs => drop(self.program.wait()),
        }
    }

    /// Asks it to end, and makes it when it will not.
    fn stop(&mut self) {
        let pid = i32::try_from(self.program.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let _ = asked.map(|pidfd| pidfd_send_signal(pidfd, Signal::TERM));
        let since = Instant::now();
        while let Ok(None) = self.program.try_wait() {
            if since.elapsed() > FLUSHED_WITHIN {
                let _ = self.program.kill();
                let _ = self.program.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn told(order: &Order) -> String {
    format!("serve it with {}", order.program.display())
}

fn is_served(service: Service) -> bool {
    match service {
        Service::Disk(_) => Path::new(READY).exists(),
        // A mount shows by its device.
        Service::Ntfs => match (fs::metadata("/"), fs::metadata(SERVED)) {
            (Ok(root), Ok(served)) => root.dev() != served.dev(),
            _ => false,
        },
    }
}

/// Blocks until nobody has the disk open any more.
fn until_unlocked() {
    if let Ok(file) = File::open(SERVED) {
        let _ = file.lock();
    }
}
