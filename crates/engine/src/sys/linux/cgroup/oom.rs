//! Notices that the memory limit was hit and a process was killed for it.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, PollFlags, eventfd};

use super::files::{self, read, value};
use super::io_error;
use crate::error::ErrorKind;

/// A descriptor to poll, and the count behind it.
#[derive(Debug)]
pub(crate) struct OomWatch {
    descriptor: OwnedFd,
    interest: PollFlags,
    counter: PathBuf,
    seen: u64,
}

impl OomWatch {
    /// Version 1: an eventfd registered with the group.
    pub(super) fn v1(group: &Path) -> Result<Self, ErrorKind> {
        let counter = group.join("memory.oom_control");
        let control =
            File::open(&counter).map_err(|e| io_error("open", "memory.oom_control", e))?;
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| io_error("make", "an eventfd", e))?;
        let line = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
        files::write(&group.join("cgroup.event_control"), &line)?;
        Ok(Self { descriptor: event, interest: PollFlags::IN, counter, seen: 0 })
    }

    /// Version 2: the kernel marks the file when a count in it changes.
    pub(super) fn v2(group: &Path) -> Result<Self, ErrorKind> {
        let counter = group.join("memory.events");
        let file = File::open(&counter).map_err(|e| io_error("open", "memory.events", e))?;
        Ok(Self { descriptor: file.into(), interest: PollFlags::PRI, counter, seen: 0 })
    }

    /// What to poll for.
    pub(crate) fn interest(&self) -> PollFlags {
        self.interest
    }

    /// Whether a process has been killed since the last time this was asked.
    pub(crate) fn hit(&mut self) -> bool {
        let mut drained = [0; 4096];
        let _ = rustix::io::pread(&self.descriptor, &mut drained, 0)
            .or_else(|_| rustix::io::read(&self.descriptor, &mut drained));
        let killed = read(&self.counter).map_or(self.seen, |text| value(&text, "oom_kill"));
        let more = killed > self.seen;
        self.seen = killed;
        more
    }

    /// How many processes have been killed, as of the last time that was asked.
    pub(crate) fn killed(&self) -> u64 {
        self.seen
    }
}

impl AsFd for OomWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
