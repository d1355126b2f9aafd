#![expect(unsafe_code, reason = "a signal is blocked, and taken from a descriptor, by hand")]
//! The children of pid 1: its own, and every process inside whose parent has ended.
//!
//! All are reaped here and nowhere else, so that how one of its own ended is known.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, wait, waitid};
use schema::guest::REGISTRY_IS_WRITTEN;

use crate::error::ErrorKind;

/// Has the ends of this process' children told. A program that ignores them passes that on to
/// whatever it starts, and the kernel then forgets each child as it ends.
pub(crate) fn heed() {
    // SAFETY: sets a signal to the kernel's own action; this program has no handler for it.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Tells when a child has ended.
pub(super) struct Children(OwnedFd);

impl Children {
    /// From here on, ended children wait to be reaped: [`heed`] has seen to it that they do.
    pub(super) fn watch() -> Result<Self, ErrorKind> {
        let fail = |e: io::Error| ErrorKind::io("watch pid 1's children", e);
        set_mask(libc::SIG_BLOCK, &only_children()).map_err(fail)?;
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        let mask = only_children();
        // SAFETY: the mask lives for the call; the kernel gives a new descriptor or -1.
        match unsafe { libc::signalfd(-1, &raw const mask, flags) } {
            -1 => Err(fail(io::Error::last_os_error())),
            // SAFETY: the kernel has just opened it for us.
            fd => Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) })),
        }
    }

    /// Reaps all that have ended, and calls `each` with who and how.
    pub(super) fn reap(&self, mut each: impl FnMut(Pid, Ending)) {
        let mut pending = [0; 1024];
        while rustix::io::read(&self.0, &mut pending).is_ok_and(|count| count > 0) {}
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let signal = status.terminating_signal();
            each(pid, Ending { code: status.exit_status(), signal });
        }
    }
}

impl AsFd for Children {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A program gets the signal mask of its parent; Wine's need an empty one.
pub(super) fn unblock_in(command: &mut Command) {
    let unblock = || set_mask(libc::SIG_UNBLOCK, &only_children());
    // SAFETY: one system call, between fork and exec.
    unsafe { command.pre_exec(unblock) };
}

/// How a child ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    code: Option<i32>,
    signal: Option<i32>,
}

impl Ending {
    /// Of one that has ended and is left as it is; `None` when it has not, or was reaped.
    pub(super) fn of(pidfd: BorrowedFd<'_>) -> Option<Self> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(pidfd), options).ok().flatten()?;
        Some(Self { code: status.exit_status(), signal: status.terminating_signal() })
    }

    /// A guest says so that nothing of the registry is left to be written.
    pub(super) fn says_written(self) -> bool {
        self.code == Some(REGISTRY_IS_WRITTEN)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { signal: Some(signal), .. } => write!(f, "ended by signal {signal}"),
            Self { code: Some(code), .. } => write!(f, "ended with exit code {code}"),
            _ => f.write_str("ended"),
        }
    }
}

fn only_children() -> libc::sigset_t {
    // SAFETY: `sigemptyset` makes the set valid before anything else looks at it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        set
    }
}

fn set_mask(how: i32, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the set lives for the call, and the old mask is not asked for.
    match unsafe { libc::sigprocmask(how, set, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
