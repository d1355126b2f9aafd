//! Threads that write small files, so that reading the archive never waits for the file system.

use engine::os::fd::OwnedFd;
use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use engine::os::fs::{Mode, Timespec, Timestamps, XattrFlags};
use engine::os::io::Errno;

use super::beneath;
use super::meta::Meta;
use super::tarball::Time;

/// How many files may wait.
const AHEAD: usize = 128;
const WRITERS: usize = 2;

/// How a file looks from outside.
#[derive(Debug, Clone)]
pub(crate) struct Looks {
    mode: Mode,
    times: Timestamps,
    dos_attributes: Option<String>,
}

/// A file to write, whole.
pub(crate) struct Job {
    pub(crate) path: String,
    pub(crate) data: Vec<u8>,
    pub(crate) looks: Looks,
}

type Failure = Arc<Mutex<Option<(String, io::Error)>>>;

/// The writers of one layer.
pub(crate) struct Pool<'scope> {
    jobs: SyncSender<Job>,
    writers: Vec<std::thread::ScopedJoinHandle<'scope, ()>>,
    failure: Failure,
}

impl Looks {
    pub(crate) fn of(meta: &Meta) -> Self {
        Self {
            mode: Mode::from_raw_mode(meta.file_mode()),
            times: times(meta),
            dos_attributes: meta.dos_attributes(),
        }
    }

    /// Makes a file look so, after its data is written.
    pub(crate) fn apply(&self, file: &File) -> io::Result<()> {
        set_dos_attributes(file, self.dos_attributes.as_deref())?;
        engine::os::fs::fchmod(file, self.mode)?;
        Ok(engine::os::fs::futimens(file, &self.times)?)
    }
}

pub(crate) fn times(meta: &Meta) -> Timestamps {
    let spec = |t: Time| Timespec { tv_sec: t.seconds, tv_nsec: t.nanos.into() };
    Timestamps { last_access: spec(meta.accessed()), last_modification: spec(meta.mtime) }
}

pub(crate) fn set_dos_attributes(
    file: impl engine::os::fd::AsFd,
    value: Option<&str>,
) -> io::Result<()> {
    let Some(value) = value else { return Ok(()) };
    match engine::os::fs::fsetxattr(file, "user.DOSATTRIB", value.as_bytes(), XattrFlags::empty()) {
        // A file system without such attributes: the file shows as a plain one.
        Err(Errno::NOTSUP) | Ok(()) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

impl<'scope> Pool<'scope> {
    pub(crate) fn start(scope: &'scope Scope<'scope, '_>, root: &'scope OwnedFd) -> Self {
        let (jobs, waiting) = sync_channel::<Job>(AHEAD);
        let waiting = Arc::new(Mutex::new(waiting));
        let failure = Failure::default();
        let writer = || {
            let (waiting, failure) = (Arc::clone(&waiting), Arc::clone(&failure));
            scope.spawn(move || work(root, &waiting, &failure))
        };
        let writers = (0..WRITERS).map(|_| writer()).collect();
        Self { jobs, writers, failure }
    }

    /// Hands over a file. An error is that of an earlier one.
    pub(crate) fn submit(&self, job: Job) -> Result<(), (String, io::Error)> {
        if let Some(failure) = take(&self.failure) {
            return Err(failure);
        }
        // The writers only go when one of them has failed, which the next call tells.
        let _ = self.jobs.send(job);
        Ok(())
    }

    /// Waits until every file is written.
    pub(crate) fn finish(self) -> Result<(), (String, io::Error)> {
        drop(self.jobs);
        for writer in self.writers {
            if let Err(panic) = writer.join() {
                std::panic::resume_unwind(panic);
            }
        }
        take(&self.failure).map_or(Ok(()), Err)
    }
}

fn take(failure: &Failure) -> Option<(String, io::Error)> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn work(root: &OwnedFd, waiting: &Mutex<Receiver<Job>>, failure: &Failure) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if let Err(error) = write(root, &job) {
            let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert((job.path, error));
            return;
        }
    }
}

fn write(root: &OwnedFd, job: &Job) -> io::Result<()> {
    let mut file = beneath::create(root, &job.path, Mode::from_raw_mode(0o600))?;
    file.write_all(&job.data)?;
    job.looks.apply(&file)
}
