//! A handle to a compute system.

pub(super) mod properties;

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use schema::modify::ModifyRequest;
use schema::process::ProcessParameters;
use schema::properties::{Properties, PropertyType, State};
use schema::{ExitCode, Pid, SystemId};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::events::{self, Registration};
use super::hcs::{self, SystemHandle};
use super::operation::{self, Failed};
use super::process::{self, HcsProcess};
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::system::{ExitKind, Process as _, Stdio, System, SystemEvent, SystemExit};

/// How long a system that was told to end may take.
const GONE_WITHIN: Duration = Duration::from_mins(4);
const UNEXPECTED: SystemExit = SystemExit { kind: ExitKind::Unexpected, out_of_memory: false };

/// A handle to a compute system of HCS'.
#[derive(Debug, Clone)]
pub(super) struct HcsSystem {
    pub(super) inner: Arc<Inner>,
}

/// The fields are dropped in this order: no event is heard once the handle is closed.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) id: SystemId,
    pub(super) handle: SystemHandle,
    exit: watch::Sender<Option<SystemExit>>,
    _events: Registration,
}

/// `SystemExitStatus`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ExitStatus {
    exit_type: String,
}

impl HcsSystem {
    /// Listens at once: an end that nobody hears is not told again.
    pub(super) fn new(id: SystemId, handle: SystemHandle) -> Result<Self, Failed> {
        let (exit, _) = watch::channel(None);
        let heard = exit.clone();
        let hear = move |kind, data: &str| match kind {
            events::SYSTEM_EXITED => tell(&heard, of_status(data)),
            events::SERVICE_DISCONNECT => tell(&heard, UNEXPECTED),
            _ => {}
        };
        let events = events::listen(c"HcsSetComputeSystemCallback", handle.0, hear)?;
        Ok(Self { inner: Arc::new(Inner { id, handle, exit, _events: events }) })
    }

    /// Asks whether it still is: it may have ended after it was opened and before anybody listened.
    pub(super) async fn look(&self) -> Result<(), Failed> {
        let told = self.inner.call(c"HcsGetComputeSystemProperties", "{}".to_owned()).await;
        let state = match told.map_err(ErrorKind::from) {
            Ok(told) => properties::read(&told)?.state,
            Err(ErrorKind::AlreadyStopped) => State::Stopped,
            Err(other) => return Err(other.into()),
        };
        match state {
            State::Stopped => Err(ErrorKind::NotFound("compute system").into()),
            State::Created | State::Running | State::Paused => Ok(()),
        }
    }
}

/// The first end is the end.
fn tell(exit: &watch::Sender<Option<SystemExit>>, end: SystemExit) {
    exit.send_if_modified(|told| told.is_none() && told.replace(end).is_none());
}

impl HcsSystem {
    /// Waits for the end of a process that was started through another handle. Unknown when it
    /// cannot be asked any more.
    pub(super) async fn end_of(&self, pid: Pid) -> ExitCode {
        match process::open(&self.inner, pid).await {
            Ok(process) => process.wait().await,
            Err(_) => ExitCode::UNKNOWN,
        }
    }
}

fn of_status(data: &str) -> SystemExit {
    // An end that cannot be read is an end all the same.
    let status = serde_json::from_str::<ExitStatus>(data).unwrap_or_default();
    let kind = match status.exit_type.as_str() {
        "GracefulExit" => ExitKind::Graceful,
        "ForcedExit" => ExitKind::Forced,
        _ => ExitKind::Unexpected,
    };
    SystemExit { kind, out_of_memory: false }
}

impl Inner {
    pub(super) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Submits a call with a document, and gives the one that comes back.
    async fn call(
        self: &Arc<Self>,
        function: &'static CStr,
        document: String,
    ) -> Result<String, Failed> {
        if self.has_ended() {
            return Err(ErrorKind::AlreadyStopped.into());
        }
        let name = function.to_str().expect("a function's name is ASCII");
        let this = Arc::clone(self);
        let submit = move |operation| {
            Ok((hcs::submit(function, this.handle.0, operation, &document)?, this))
        };
        operation::run(name, submit).await?.document(name)
    }

    async fn ended(&self) -> SystemExit {
        let mut exit = self.exit.subscribe();
        let end = exit.wait_for(Option::is_some).await.map(|end| *end);
        end.ok().flatten().unwrap_or(UNEXPECTED)
    }

    fn failed(&self, op: Op) -> impl FnOnce(Failed) -> EngineError {
        let id = self.id.clone();
        move |failed| EngineError::new(op, id, failed)
    }
}

/// Makes what concerns a system that has ended a success.
fn ended_is_fine(result: Result<String, Failed>) -> Result<(), Failed> {
    match result.map_err(ErrorKind::from) {
        Ok(_) | Err(ErrorKind::AlreadyStopped | ErrorKind::NotFound(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

impl System for HcsSystem {
    type Process = HcsProcess;

    fn id(&self) -> &SystemId {
        &self.inner.id
    }

    async fn start(&self) -> Result<()> {
        let started = self.inner.call(c"HcsStartComputeSystem", String::new()).await;
        started.map(drop).map_err(self.inner.failed(Op::Start))
    }

    async fn shutdown(&self) -> Result<()> {
        let asked = self.inner.call(c"HcsShutDownComputeSystem", String::new()).await;
        ended_is_fine(asked).map_err(self.inner.failed(Op::Shutdown))
    }

    async fn terminate(&self) -> Result<()> {
        let asked = self.inner.call(c"HcsTerminateComputeSystem", String::new()).await;
        ended_is_fine(asked).map_err(self.inner.failed(Op::Terminate))?;
        if tokio::time::timeout(GONE_WITHIN, self.inner.ended()).await.is_err() {
            let what = "the end of a compute system";
            let kind = ErrorKind::TimedOut { what, after: GONE_WITHIN };
            return Err(EngineError::new(Op::Terminate, &self.inner.id, kind));
        }
        Ok(())
    }

    async fn pause(&self) -> Result<()> {
        let paused = self.inner.call(c"HcsPauseComputeSystem", String::new()).await;
        paused.map(drop).map_err(self.inner.failed(Op::Pause))
    }

    async fn resume(&self) -> Result<()> {
        let resumed = self.inner.call(c"HcsResumeComputeSystem", String::new()).await;
        resumed.map(drop).map_err(self.inner.failed(Op::Resume))
    }

    async fn modify(&self, request: &ModifyRequest) -> Result<()> {
        const CALL: &str = "HcsModifyComputeSystem";
        let change = async {
            let text = serde_json::to_string(request)
                .map_err(|error| ErrorKind::io("write it", std::io::Error::other(error)))?;
            let this = Arc::clone(&self.inner);
            let submit =
                move |operation| Ok((hcs::modify_system(this.handle.0, operation, &text)?, this));
            operation::run(CALL, submit).await?.document(CALL)
        };
        change.await.map(drop).map_err(self.inner.failed(Op::Modify))
    }

    async fn properties(&self, query: &[PropertyType]) -> Result<Properties> {
        let ask = async {
            let query = match query {
                [] => "{}".to_owned(),
                types => json!({ "PropertyTypes": types }).to_string(),
            };
            let told = self.inner.call(c"HcsGetComputeSystemProperties", query).await?;
            Ok(properties::read(&told)?)
        };
        ask.await.map_err(self.inner.failed(Op::Properties))
    }

    async fn spawn(&self, parameters: &ProcessParameters) -> Result<(HcsProcess, Stdio)> {
        let spawned = process::spawn(&self.inner, parameters).await;
        spawned.map_err(|kind| EngineError::new(Op::Spawn, &self.inner.id, kind))
    }

    async fn wait(&self) -> SystemExit {
        self.inner.ended().await
    }

    /// Windows tells of no memory limit that was hit: the channel only closes.
    async fn events(&self) -> Result<mpsc::Receiver<SystemEvent>> {
        let (tell, told) = mpsc::channel(1);
        let mut exit = self.inner.exit.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                _ = exit.wait_for(Option::is_some) => {}
                () = tell.closed() => {}
            }
        });
        Ok(told)
    }
}
