//! Other processes of this host, and this one's standing.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::process::{
    Gid, Pid, PidfdFlags, Resource, Rlimit, Signal, Uid, getrlimit, pidfd_open, pidfd_send_signal,
    setrlimit,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

/// What [`is_privileged`] asks for, for a message.
pub const PRIVILEGE: &str = "root, to make namespaces and mounts";

/// This process may do what containers need.
pub fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts a program: it inherits its own streams and no others.
pub fn start(command: &mut Command) -> io::Result<Child> {
    command.spawn()
}

/// Lets this process have as many files open as the host allows: who walks several deep trees at once
/// has one for each folder on the way.
pub fn open_many() {
    const ENOUGH: u64 = 1 << 20;
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(maximum.map_or(ENOUGH, |most| most.min(ENOUGH)));
    // With less it still works, and says where it does not.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

/// Has a program started that lives on by itself: a terminal is left by whoever is started.
pub fn without_console(_command: &mut std::process::Command) {}

/// Leaves the terminal that this process was started from: its signals are for the starter.
pub fn leave_session() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

/// This thread does file work as a user of this id, as the silo's own processes do.
pub fn act_as(id: u32) -> io::Result<()> {
    rustix::thread::set_thread_res_gid(None, Gid::from_raw(id), None)?;
    Ok(rustix::thread::set_thread_res_uid(None, Uid::from_raw(id), None)?)
}

/// A process that somebody else started.
#[derive(Debug)]
pub struct Watched {
    pid: Pid,
    handle: OwnedFd,
}

impl Watched {
    /// The process with this id, if there is one.
    pub fn open(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(pid.cast_signed())?;
        Some(Self { pid, handle: pidfd_open(pid, PidfdFlags::NONBLOCK).ok()? })
    }

    /// It runs this program in this folder: ids are used again.
    pub fn runs(&self, program: &str, folder: &Path) -> bool {
        let pid = self.pid.as_raw_nonzero();
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_there =
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
        String::from_utf8_lossy(&line).contains(program) && is_there
    }

    /// Ends it; one that has ended stays so.
    pub fn kill(&self) {
        pidfd_send_signal(&self.handle, Signal::KILL).ok();
    }

    /// Waits until it has ended.
    pub async fn ended(self, limit: Duration) -> io::Result<()> {
        #[expect(deprecated, reason = "an OwnedFd stays open; the replacement is unsafe")]
        let process = AsyncFd::with_interest(self.handle, Interest::READABLE)?;
        let waiting = tokio::time::timeout(limit, process.readable());
        waiting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(drop)
    }
}
