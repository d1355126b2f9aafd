//! The job container as a compute system.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schema::SystemId;
use schema::document::ComputeSystem;
use schema::job::JobContainer;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType, State};
use tokio::sync::watch;

use super::account::{self, Account};
use super::environment::{Variables, expand};
use super::launch::{Order, launch};
use super::object::Job;
use super::process::JobProcess;
use super::resolve::resolve;
use super::root::Root;
use super::{statistics, stdio};
use crate::error::ErrorKind;
use crate::system::{ExitKind, Stdio, SystemExit};

/// The rest of a container has this long to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// What this process has made: it lives on when nobody has a handle to it.
static HELD: Mutex<BTreeMap<SystemId, Arc<Inner>>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<SystemId, Arc<Inner>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle to a job container.
#[derive(Debug, Clone)]
pub(in super::super) struct JobSystem(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: SystemId,
    owner: String,
    begun: Instant,
    tell: watch::Sender<Option<SystemExit>>,
    life: Mutex<Life>,
}

/// What is held for as long as it lives.
#[derive(Debug)]
struct Life {
    started: bool,
    /// Those that were started here.
    processes: Vec<JobProcess>,
    account: Option<Arc<Account>>,
    /// Nothing when somebody else made the container.
    container: Option<JobContainer>,
    job: Option<Arc<Job>>,
    root: Option<Root>,
}

impl JobSystem {
    /// Makes it; all or nothing.
    pub(in super::super) fn create(
        id: &SystemId,
        document: &ComputeSystem,
        container: &JobContainer,
    ) -> Result<Self, ErrorKind> {
        let job = Job::create(id, &container.limits)?;
        let volume = document.container.as_ref().map_or("", |outer| &outer.storage.path);
        let root = Root::make(container, volume)?;
        let life = Life {
            started: false,
            processes: Vec::new(),
            account: None,
            container: Some(container.clone()),
            job: Some(Arc::new(job)),
            root: Some(root),
        };
        let system = Self::new(id, &document.owner, life);
        held().insert(id.clone(), Arc::clone(&system.0));
        Ok(system)
    }

    /// One that this process, or another one, has made.
    pub(in super::super) fn open(id: &SystemId) -> Result<Self, ErrorKind> {
        if let Some(own) = held().get(id).cloned() {
            return if own.has_ended() {
                Err(ErrorKind::NotFound("compute system"))
            } else {
                Ok(Self(own))
            };
        }
        let job = Some(Arc::new(Job::open(id)?));
        let life = Life {
            started: true,
            processes: Vec::new(),
            account: None,
            container: None,
            job,
            root: None,
        };
        Ok(Self::new(id, "", life))
    }

    /// Those of this process.
    pub(in super::super) fn list(owner: Option<&str>) -> Vec<Properties> {
        let all = held().values().cloned().collect::<Vec<_>>();
        let is_wanted =
            |one: &Arc<Inner>| !one.has_ended() && owner.is_none_or(|owner| owner == one.owner);
        all.into_iter().filter(is_wanted).map(|one| Self(one).describe()).collect()
    }

    /// Takes away what a killed shim's container has left beside its job.
    pub(in super::super) fn sweep(id: &SystemId) {
        if let Err(error) = account::remove_made(id) {
            tracing::warn!(%id, %error, "the account of a container was not removed");
        }
    }

    fn new(id: &SystemId, owner: &str, life: Life) -> Self {
        Self(Arc::new(Inner {
            id: id.clone(),
            owner: owner.to_owned(),
            begun: Instant::now(),
            tell: watch::Sender::new(None),
            life: Mutex::new(life),
        }))
    }

    pub(in super::super) fn id(&self) -> &SystemId {
        &self.0.id
    }

    pub(in super::super) fn start(&self) -> Result<(), ErrorKind> {
        if self.0.has_ended() {
            return Err(ErrorKind::AlreadyStopped);
        }
        if std::mem::replace(&mut self.0.life().started, true) {
            return Err(ErrorKind::InvalidState { state: "running" });
        }
        Ok(())
    }

    /// Asks everything in it to end; what has not after a while is ended.
    pub(in super::super) async fn shutdown(&self) -> Result<(), ErrorKind> {
        let processes = self.0.life().processes.clone();
        for process in processes {
            // Whoever cannot be told is ended below.
            if let Err(error) = process.signal(ControlEvent::CtrlShutdown) {
                tracing::debug!(id = %self.0.id, %error, "a process was not told to end");
            }
        }
        self.0.emptied().await?;
        self.end(ExitKind::Graceful).await
    }

    pub(in super::super) async fn terminate(&self) -> Result<(), ErrorKind> {
        self.end(ExitKind::Forced).await
    }

    async fn end(&self, kind: ExitKind) -> Result<(), ErrorKind> {
        let job = self.0.life().job.clone();
        if let Some(job) = job {
            job.terminate()?;
            // What has not quite ended holds on to its folder.
            self.0.emptied().await?;
        }
        self.0.over(kind);
        Ok(())
    }

    pub(in super::super) async fn wait(&self) -> SystemExit {
        let mut ended = self.0.tell.subscribe();
        if self.0.is_others() {
            return self.gone().await;
        }
        let end = ended.wait_for(Option::is_some).await.map(|end| *end);
        end.ok()
            .flatten()
            .unwrap_or(SystemExit { kind: ExitKind::Unexpected, out_of_memory: false })
    }

    /// The end of one that another process holds.
    async fn gone(&self) -> SystemExit {
        loop {
            let ended = self.0.tell.borrow().is_some();
            if ended || !self.0.runs_something().unwrap_or(false) {
                return SystemExit { kind: ExitKind::Unexpected, out_of_memory: false };
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(in super::super) fn properties(
        &self,
        query: &[PropertyType],
    ) -> Result<Properties, ErrorKind> {
        let job = self.0.job()?;
        let mut properties = self.describe();
        if query.contains(&PropertyType::Statistics) {
            let uptime = u64::try_from(self.0.begun.elapsed().as_micros() * 10).unwrap_or(u64::MAX);
            properties.statistics = Some(statistics::statistics(&job, uptime)?);
        }
        if query.contains(&PropertyType::ProcessList) {
            properties.process_list = Some(statistics::processes(&job)?);
        }
        Ok(properties)
    }

    fn describe(&self) -> Properties {
        let started = self.0.life().started;
        Properties {
            id: self.0.id.to_string(),
            system_type: "Container".into(),
            owner: self.0.owner.clone(),
            state: if started { State::Running } else { State::Created },
            created_unix: None,
            statistics: None,
            process_list: None,
        }
    }

    /// Starts a process; the first one's end is the container's.
    pub(in super::super) fn spawn(
        &self,
        parameters: &ProcessParameters,
    ) -> Result<(JobProcess, Stdio), ErrorKind> {
        let job = self.0.job()?;
        let (account, container, folder) = self.0.prepare(parameters)?;
        if parameters.emulate_console {
            let why = "host process containers have no terminal here yet: run it without one";
            return Err(ErrorKind::Unsupported { what: "a terminal".into(), why: why.into() });
        }
        let mut variables = Variables::of_account(account.raw());
        let given = parameters.environment.iter();
        variables
            .extend(given.map(|(name, value)| (name.to_owned(), expand(value, &container.root))));
        variables.finish(&container.root);
        let line = expand(&parameters.command_line, &container.root);
        let found = resolve(&line, &folder, variables.get("PATH").unwrap_or_default())?;
        let (streams, stdio) = stdio::make(parameters)
            .map_err(|error| ErrorKind::io("make a process' streams", error))?;
        let order = Order {
            found: &found,
            folder: &folder,
            variables: &variables,
            account: &account,
            streams: &streams,
        };
        let process = JobProcess::watch(launch(&job, &order)?)?;
        self.0.life().processes.push(process.clone());
        Ok((process, stdio))
    }
}

impl Inner {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> bool {
        self.tell.borrow().is_some()
    }

    fn is_others(&self) -> bool {
        self.life().container.is_none()
    }

    fn job(&self) -> Result<Arc<Job>, ErrorKind> {
        self.life().job.clone().ok_or(ErrorKind::AlreadyStopped)
    }

    fn runs_something(&self) -> Result<bool, ErrorKind> {
        let job = self.life().job.clone();
        job.map_or(Ok(false), |job| Ok(!job.pids()?.is_empty()))
    }

    /// Waits until nothing runs in it, for a while.
    async fn emptied(&self) -> Result<(), ErrorKind> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && self.runs_something()? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whom a process runs as, and where. The first one decides for all whom.
    fn prepare(
        &self,
        parameters: &ProcessParameters,
    ) -> Result<(Arc<Account>, JobContainer, PathBuf), ErrorKind> {
        let mut life = self.life();
        let Some(container) = life.container.clone() else {
            return Err(ErrorKind::Unsupported {
                what: "a process in another shim's host process container".into(),
                why: "ask the shim that runs it".into(),
            });
        };
        if !life.started {
            return Err(ErrorKind::InvalidState { state: "created" });
        }
        let account = if let Some(account) = &life.account {
            Arc::clone(account)
        } else {
            let found = account::find(&self.id, &parameters.user, container.inherit_user)?;
            Arc::clone(life.account.insert(Arc::new(found)))
        };
        let root = life.root.as_ref().map_or_else(PathBuf::new, |root| root.path().to_owned());
        let folder = working_folder(&parameters.working_directory, &container.root, root)?;
        Ok((account, container, folder))
    }

    /// It has ended: what is held for it is given back, and its id is free.
    fn over(&self, kind: ExitKind) {
        let mut life = self.life();
        let (job, root, account) = (life.job.take(), life.root.take(), life.account.take());
        drop(life);
        drop((root, account, job));
        held().remove(&self.id);
        let exit = SystemExit { kind, out_of_memory: false };
        self.tell.send_if_modified(|told| told.is_none() && told.replace(exit).is_none());
    }
}

/// A process' folder: the root unless it names one, which is made when it is not there.
fn working_folder(wanted: &str, root_text: &str, root: PathBuf) -> Result<PathBuf, ErrorKind> {
    if wanted.is_empty() {
        return Ok(root);
    }
    let expanded = expand(wanted, root_text);
    let folder = if expanded == wanted {
        // Beneath the root, as the container's own paths are.
        let below = wanted.get(2..).filter(|_| wanted.as_bytes().get(1) == Some(&b':'));
        root.join(below.unwrap_or(wanted).trim_start_matches(['\\', '/']))
    } else {
        PathBuf::from(expanded)
    };
    std::fs::create_dir_all(&folder)
        .map_err(|error| ErrorKind::io(format!("make `{}`", folder.display()), error))?;
    Ok(folder)
}
