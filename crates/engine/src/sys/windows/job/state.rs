//! What is held for a job container, and how it is given back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schema::SystemId;
use schema::job::JobContainer;
use tokio::sync::watch;

use super::account::{self, Account};
use super::filter::Filter;
use super::leftovers::Leftovers;
use super::object::Job;
use super::process::JobProcess;
use super::sweeping::Sweeping;
use super::{binding, folders, root, workdir};
use crate::error::ErrorKind;
use crate::system::{ExitKind, SystemExit};

/// The rest of a container has this long to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A job container, as this process sees it.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) id: SystemId,
    pub(super) owner: String,
    /// Where the notes are.
    state: PathBuf,
    /// Nothing when another process made it.
    pub(super) container: Option<JobContainer>,
    /// What is bound at its root, of one that was made here.
    pub(super) files: PathBuf,
    tell: watch::Sender<Option<SystemExit>>,
    life: Mutex<Life>,
    on_host: Mutex<OnHost>,
}

/// What is looked at from the runtime: nobody who has it waits for anything.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) started: bool,
    /// When; nothing when another process made it.
    pub(super) since: Option<Timestamp>,
    /// It is being ended: no process is started any more.
    ending: bool,
    /// Those that were started here and run.
    processes: Vec<JobProcess>,
    /// Only of one that was made here: its processes end with the last handle.
    job: Option<Arc<Job>>,
}

/// What takes its time: only looked at beside the runtime.
#[derive(Debug, Default)]
struct OnHost {
    account: Option<Arc<Account>>,
    leftovers: Option<Leftovers>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Makes a container; all or nothing.
    pub(super) fn make(
        state: &Path,
        id: &SystemId,
        owner: &str,
        container: &JobContainer,
        volume: &str,
    ) -> Result<Self, ErrorKind> {
        let filter = container.bound.then(Filter::load).transpose()?;
        let alone = Sweeping::begin(id)?;
        let job = Job::create(id, &container.limits, filter.is_some())?;
        // A note without a job is a killed shim's.
        if let Some(old) = Leftovers::read(state, id)? {
            old.give_back()?;
        }
        let leftovers = Leftovers::note(state, id, owner, container, volume)?;
        drop(alone);
        let mut made = Self::new(state, id, owner, Some(container.clone()), Some(job));
        let files = binding::files(volume);
        let job = made.job()?;
        let mut on_host = made.on_host();
        let note = on_host.leftovers.insert(leftovers);
        match filter {
            Some(filter) => binding::make(filter, &job, container, &files, note)?,
            None => root::make(container, volume, note)?,
        }
        drop((on_host, job));
        made.files = files.into();
        Ok(made)
    }

    /// One that another process has made; nothing when there is none.
    pub(super) fn find(state: &Path, id: &SystemId) -> Result<Option<Self>, ErrorKind> {
        let Some(note) = Leftovers::read(state, id)? else { return Ok(None) };
        match Job::open(id) {
            Ok(_) => {
                let found = Self::new(state, id, note.owner(), None, None);
                found.life().started = true;
                Ok(Some(found))
            }
            Err(ErrorKind::NotFound(_)) => Self::sweep(state, id).map(|()| None),
            Err(other) => Err(other),
        }
    }

    /// Takes away what a killed shim left. Whoever makes a container of this name waits meanwhile; one
    /// that is made has a note of its own, which is not looked at.
    fn sweep(state: &Path, id: &SystemId) -> Result<(), ErrorKind> {
        let _alone = Sweeping::begin(id)?;
        match Job::open(id) {
            Ok(_) => return Ok(()),
            Err(ErrorKind::NotFound(_)) => {}
            Err(other) => return Err(other),
        }
        Leftovers::read(state, id)?.map_or(Ok(()), |note| note.give_back())
    }

    fn new(
        state: &Path,
        id: &SystemId,
        owner: &str,
        container: Option<JobContainer>,
        job: Option<Job>,
    ) -> Self {
        let job = job.map(Arc::new);
        Self {
            id: id.clone(),
            owner: owner.to_owned(),
            state: state.to_owned(),
            container,
            files: PathBuf::new(),
            tell: watch::Sender::new(None),
            life: Mutex::new(Life {
                started: false,
                since: None,
                ending: false,
                processes: Vec::new(),
                job,
            }),
            on_host: Mutex::default(),
        }
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        locked(&self.life)
    }

    fn on_host(&self) -> MutexGuard<'_, OnHost> {
        locked(&self.on_host)
    }

    pub(super) fn exit(&self) -> watch::Receiver<Option<SystemExit>> {
        self.tell.subscribe()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.tell.borrow().is_some()
    }

    /// Another process' is opened for each question: whoever kept it would keep its processes
    /// running after their shim was killed.
    pub(super) fn job(&self) -> Result<Arc<Job>, ErrorKind> {
        if self.container.is_some() || self.has_ended() {
            return self.life().job.clone().ok_or(ErrorKind::AlreadyStopped);
        }
        match Job::open(&self.id) {
            Err(ErrorKind::NotFound(_)) => Err(ErrorKind::AlreadyStopped),
            opened => opened.map(Arc::new),
        }
    }

    pub(super) fn runs_something(&self) -> Result<bool, ErrorKind> {
        match self.job() {
            Err(ErrorKind::AlreadyStopped) => Ok(false),
            job => Ok(!job?.pids()?.is_empty()),
        }
    }

    /// The account of all its processes: the first one decides. Takes its time.
    pub(super) fn account(&self, inherit: bool, user: &str) -> Result<Arc<Account>, ErrorKind> {
        let mut on_host = self.on_host();
        if let Some(account) = &on_host.account {
            return Ok(Arc::clone(account));
        }
        let note = on_host.leftovers.as_mut().ok_or(ErrorKind::AlreadyStopped)?;
        let found = Arc::new(account::find(&self.id, user, inherit, note)?);
        on_host.account = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The folder of a process, which is made where it is missing. Takes its time.
    pub(super) fn folder(
        &self,
        container: &JobContainer,
        wanted: &str,
    ) -> Result<PathBuf, ErrorKind> {
        if !container.bound {
            return workdir::beneath_root(wanted, &container.root);
        }
        let folder = workdir::bound(wanted, container, &self.files)?;
        let mut on_host = self.on_host();
        let note = on_host.leftovers.as_mut().ok_or(ErrorKind::AlreadyStopped)?;
        // Windows looks for it before the process is in its silo.
        folders::make(&folder, "WorkingDirectory", note)?;
        Ok(folder)
    }

    /// Keeps a process that was started; refused when the container is being ended meanwhile.
    pub(super) fn keep(&self, process: &JobProcess) -> Result<(), ErrorKind> {
        let mut life = self.life();
        if life.ending {
            return Err(ErrorKind::AlreadyStopped);
        }
        life.processes.retain(|one| !one.has_ended());
        life.processes.push(process.clone());
        Ok(())
    }

    /// One of those that were started here.
    pub(super) fn process(&self, pid: schema::Pid) -> Option<JobProcess> {
        self.life().processes.iter().find(|one| one.pid() == pid).cloned()
    }

    /// Waits until nothing runs in it, for a while.
    pub(super) async fn emptied(&self) -> Result<(), ErrorKind> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && self.runs_something()? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends everything in it, and gives back what is held for it.
    pub(super) async fn end(self: &Arc<Self>, kind: ExitKind) -> Result<(), ErrorKind> {
        self.life().ending = true;
        match self.job() {
            Err(ErrorKind::AlreadyStopped) => {}
            job => {
                job?.terminate()?;
                // What has not quite ended holds on to its folder.
                self.emptied().await?;
            }
        }
        let this = Arc::clone(self);
        super::beside(move || {
            this.give_back();
            Ok(())
        })
        .await?;
        self.nameless().await;
        let exit = SystemExit { kind, out_of_memory: false };
        self.tell.send_if_modified(|told| told.is_none() && told.replace(exit).is_none());
        Ok(())
    }

    /// What cannot be taken away stays in its note: whoever looks for the container tries again.
    fn give_back(&self) {
        let mut on_host = self.on_host();
        drop(on_host.account.take());
        if let Some(error) = on_host.leftovers.take().and_then(|note| note.give_back().err()) {
            tracing::warn!(id = %self.id, %error, "something of a container is left");
        }
        drop(on_host);
        drop(self.life().job.take());
    }

    /// Waits until its id is free: somebody who just looks may hold the job's name for a moment. One
    /// that another process made is free when that one gives it up, or has been killed; what it left
    /// is taken away then.
    async fn nameless(&self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let (state, id) = (self.state.clone(), self.id.clone());
            let look = super::beside(move || match Job::open(&id) {
                Ok(_) => Ok(false),
                Err(ErrorKind::NotFound(_)) => Self::find(&state, &id).map(|_| true),
                Err(other) => Err(other),
            });
            match look.await {
                Ok(false) => tokio::time::sleep(LOOK).await,
                Ok(true) => return,
                Err(error) => {
                    tracing::warn!(id = %self.id, %error, "something of a container is left");
                    return;
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Only one that was never held to its end still has something, and may run something.
        let job = self.life().job.clone();
        if let Some(error) = job.and_then(|job| job.terminate().err()) {
            tracing::warn!(id = %self.id, %error, "a container that nobody holds was not ended");
        }
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use schema::job::JobLimits;

    use super::*;

    #[test]
    fn a_container_that_is_made_while_somebody_sweeps_waits_for_him() {
        let place = tempfile::tempdir().unwrap();
        let id = SystemId::new(format!("meanwhile-{}", std::process::id())).unwrap();
        let root = place.path().join("root").display().to_string();
        let container = JobContainer { root, ..JobContainer::default() };
        let is_done = std::sync::atomic::AtomicBool::new(false);
        let (begin, begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _alone = Sweeping::begin(&id).unwrap();
                begin.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(300));
                is_done.store(true, std::sync::atomic::Ordering::SeqCst);
            });
            begun.recv().unwrap();
            let made = Inner::make(place.path(), &id, "test", &container, "").unwrap();
            assert!(is_done.load(std::sync::atomic::Ordering::SeqCst));
            drop(made);
        });
        assert!(Leftovers::read(place.path(), &id).unwrap().is_none());
    }

    #[test]
    fn what_is_left_is_taken_away_only_while_nobody_has_the_name() {
        let place = tempfile::tempdir().unwrap();
        let id = SystemId::new(format!("sweep-{}", std::process::id())).unwrap();
        let root = place.path().join("root");
        let container =
            JobContainer { root: root.display().to_string(), ..JobContainer::default() };
        let made = Job::create(&id, &JobLimits::default(), false).unwrap();
        Leftovers::note(place.path(), &id, "test", &container, "").unwrap();
        std::fs::create_dir(&root).unwrap();
        Inner::sweep(place.path(), &id).unwrap();
        assert!(root.is_dir(), "it is a container's that is just made");
        drop(made);
        Inner::sweep(place.path(), &id).unwrap();
        assert!(!root.exists());
        assert!(Leftovers::read(place.path(), &id).unwrap().is_none());
    }
}
