//! The job container as a compute system.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schema::document::ComputeSystem;
use schema::job::JobContainer;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType, State};
use schema::{ExitCode, Pid, SystemId};

use super::leftovers::Leftovers;
use super::process::{JobProcess, Unclaimed};
use super::state::{Inner, LOOK};
use super::{beside, signal, spawn, statistics};
use crate::error::ErrorKind;
use crate::system::{ExitKind, Stdio, SystemExit};

const UNEXPECTED: SystemExit = SystemExit { kind: ExitKind::Unexpected, out_of_memory: false };

/// What this process has made: it lives on when nobody has a handle to it.
static HELD: Mutex<BTreeMap<SystemId, Arc<Inner>>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<SystemId, Arc<Inner>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle to a job container.
#[derive(Debug, Clone)]
pub(in super::super) struct JobSystem(Arc<Inner>);

impl JobSystem {
    /// Makes it; all or nothing, also for somebody who does not wait for it any more.
    pub(in super::super) async fn create(
        state: &Path,
        id: &SystemId,
        document: &ComputeSystem,
        container: &JobContainer,
    ) -> Result<Self, ErrorKind> {
        let (state, id, container) = (state.to_owned(), id.clone(), container.clone());
        let owner = document.owner.clone();
        let volume = document.container.as_ref().map(|outer| outer.storage.path.clone());
        let volume = volume.unwrap_or_default();
        let make = move || Inner::make(&state, &id, &owner, &container, &volume);
        let inner = Arc::new(beside(make).await?);
        held().insert(inner.id.clone(), Arc::clone(&inner));
        Ok(Self(inner))
    }

    /// One that this process, or another one, has made; nothing when there is none. What a killed
    /// shim left of it is taken away then.
    pub(in super::super) async fn open(
        state: &Path,
        id: &SystemId,
    ) -> Result<Option<Self>, ErrorKind> {
        if let Some(own) = held().get(id).cloned() {
            return Ok((!own.has_ended()).then_some(Self(own)));
        }
        let (state, id) = (state.to_owned(), id.clone());
        let found = beside(move || Inner::find(&state, &id)).await?;
        Ok(found.map(|found| Self(Arc::new(found))))
    }

    /// Those that run, whoever made them.
    pub(in super::super) async fn list(
        state: &Path,
        owner: Option<&str>,
    ) -> Result<Vec<Properties>, ErrorKind> {
        let own = held().clone();
        let (state, known) = (state.to_owned(), own.clone());
        let others = beside(move || {
            let ids = Leftovers::ids(&state)?.into_iter().filter(|id| !known.contains_key(id));
            // One whose note cannot be read is not there to be listed.
            let found = ids.filter_map(|id| Inner::find(&state, &id).ok().flatten());
            Ok(found.map(Arc::new).collect::<Vec<_>>())
        });
        let mut all = others.await?;
        all.extend(own.into_values());
        let is_wanted =
            |one: &Arc<Inner>| !one.has_ended() && owner.is_none_or(|owner| owner == one.owner);
        Ok(all.into_iter().filter(is_wanted).map(|one| Self(one).describe()).collect())
    }

    pub(in super::super) fn id(&self) -> &SystemId {
        &self.0.id
    }

    pub(in super::super) fn start(&self) -> Result<(), ErrorKind> {
        if self.0.has_ended() {
            return Err(ErrorKind::AlreadyStopped);
        }
        let mut life = self.0.life();
        if std::mem::replace(&mut life.started, true) {
            return Err(ErrorKind::InvalidState { state: "running" });
        }
        life.since = Some(Timestamp::now());
        Ok(())
    }

    /// Asks everything in it to end; what has not after a while is ended.
    pub(in super::super) async fn shutdown(&self) -> Result<(), ErrorKind> {
        let Ok(job) = self.0.job() else { return Ok(()) };
        for pid in job.pids()? {
            // Whoever cannot be told is ended below.
            if let Err(error) = signal::send_to(&job, pid, ControlEvent::CtrlShutdown) {
                tracing::debug!(id = %self.0.id, pid, %error, "a process was not told to end");
            }
        }
        drop(job);
        self.0.emptied().await?;
        self.end(ExitKind::Graceful).await
    }

    pub(in super::super) async fn terminate(&self) -> Result<(), ErrorKind> {
        self.end(ExitKind::Forced).await
    }

    /// On a task of its own: one that is given up half-way would leave the rest.
    async fn end(&self, kind: ExitKind) -> Result<(), ErrorKind> {
        let this = Arc::clone(&self.0);
        let ending = tokio::spawn(async move {
            let ended = this.end(kind).await;
            if ended.is_ok() {
                let mut held = held();
                // Its id may be somebody else's by now.
                if held.get(&this.id).is_some_and(|one| Arc::ptr_eq(one, &this)) {
                    held.remove(&this.id);
                }
            }
            ended
        });
        ending.await.unwrap_or(Err(ErrorKind::Disconnected("the runtime")))
    }

    pub(in super::super) async fn wait(&self) -> SystemExit {
        if self.0.container.is_none() {
            return self.gone().await;
        }
        let mut exit = self.0.exit();
        let end = exit.wait_for(Option::is_some).await.map(|end| *end);
        end.ok().flatten().unwrap_or(UNEXPECTED)
    }

    /// The end of one that another process holds.
    async fn gone(&self) -> SystemExit {
        let exit = self.0.exit();
        while exit.borrow().is_none() && self.0.runs_something().unwrap_or(false) {
            tokio::time::sleep(LOOK).await;
        }
        let told = *exit.borrow();
        told.unwrap_or(UNEXPECTED)
    }

    /// The end of one of its processes, whoever started it.
    pub(in super::super) async fn end_of(&self, pid: Pid) -> ExitCode {
        if let Some(process) = self.0.process(pid) {
            return process.wait().await;
        }
        let opened = self.0.job().ok().and_then(|job| JobProcess::open(&job, pid));
        match opened {
            Some(process) => process.wait().await,
            None => ExitCode::UNKNOWN,
        }
    }

    pub(in super::super) fn properties(
        &self,
        query: &[PropertyType],
    ) -> Result<Properties, ErrorKind> {
        let job = self.0.job()?;
        let mut properties = self.describe();
        if query.contains(&PropertyType::Statistics) {
            let since = self.0.life().since;
            properties.statistics = Some(statistics::statistics(&job, since)?);
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

    /// Starts a process. One whose asker has gone by the time that it is there is ended.
    pub(in super::super) async fn spawn(
        &self,
        parameters: &ProcessParameters,
    ) -> Result<(JobProcess, Stdio), ErrorKind> {
        let (this, parameters) = (Arc::clone(&self.0), parameters.clone());
        let (process, stdio) = beside(move || start(&this, &parameters)).await?;
        Ok((process.claim(), stdio))
    }
}

fn start(inner: &Inner, wanted: &ProcessParameters) -> Result<(Unclaimed, Stdio), ErrorKind> {
    let job = inner.job()?;
    let container = inner.container.as_ref().ok_or_else(|| ErrorKind::Unsupported {
        what: "a process in another shim's host process container".into(),
        why: "ask the shim that runs it".into(),
    })?;
    if !inner.life().started {
        return Err(ErrorKind::InvalidState { state: "created" });
    }
    let account = inner.account(container.inherit_user, &wanted.user)?;
    let folder = inner.folder(container, &wanted.working_directory)?;
    let (started, stdio) = spawn::start(&job, container, &account, &folder, wanted)?;
    let process = Unclaimed::new(JobProcess::watch_new(started)?);
    inner.keep(process.get())?;
    Ok((process, stdio))
}
