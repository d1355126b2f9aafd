//! This host's compute systems: those of HCS, and job objects.

use schema::modify::ModifyRequest;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType};
use schema::{ConsoleSize, ExitCode, Pid, SystemId};
use tokio::sync::mpsc;

use super::job::{JobProcess, JobSystem};
use super::process::HcsProcess;
use super::system::HcsSystem;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::system::{Process, Stdio, System, SystemEvent, SystemExit};

/// A handle to a compute system of this host.
#[derive(Debug, Clone)]
pub struct HostSystem(pub(super) Kind);

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Hcs(HcsSystem),
    Job(JobSystem),
}

/// A handle to a process in a compute system of this host.
#[derive(Debug, Clone)]
pub struct HostProcess(KindOfProcess);

#[derive(Debug, Clone)]
enum KindOfProcess {
    Hcs(HcsProcess),
    Job(JobProcess, SystemId),
}

impl HostSystem {
    /// Waits for the end of a process that was started through another handle. Unknown when it
    /// cannot be asked any more.
    pub async fn end_of(&self, pid: Pid) -> ExitCode {
        match &self.0 {
            Kind::Hcs(system) => system.end_of(pid).await,
            Kind::Job(system) => system.end_of(pid).await,
        }
    }

    fn failed(&self, op: Op) -> impl FnOnce(ErrorKind) -> EngineError {
        let id = self.id().clone();
        move |kind| EngineError::new(op, id, kind)
    }

    fn lacks(&self, op: Op, what: &str) -> EngineError {
        let why = "a host process container is a job object, which Windows cannot do it with";
        self.failed(op)(ErrorKind::Unsupported { what: what.into(), why: why.into() })
    }
}

impl System for HostSystem {
    type Process = HostProcess;

    fn id(&self) -> &SystemId {
        match &self.0 {
            Kind::Hcs(system) => system.id(),
            Kind::Job(system) => system.id(),
        }
    }

    async fn start(&self) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.start().await,
            Kind::Job(system) => system.start().map_err(self.failed(Op::Start)),
        }
    }

    async fn shutdown(&self) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.shutdown().await,
            Kind::Job(system) => system.shutdown().await.map_err(self.failed(Op::Shutdown)),
        }
    }

    async fn terminate(&self) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.terminate().await,
            Kind::Job(system) => system.terminate().await.map_err(self.failed(Op::Terminate)),
        }
    }

    async fn pause(&self) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.pause().await,
            Kind::Job(_) => Err(self.lacks(Op::Pause, "pausing")),
        }
    }

    async fn resume(&self) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.resume().await,
            Kind::Job(_) => Err(self.lacks(Op::Resume, "resuming")),
        }
    }

    async fn modify(&self, request: &ModifyRequest) -> Result<()> {
        match &self.0 {
            Kind::Hcs(system) => system.modify(request).await,
            Kind::Job(_) => Err(self.lacks(Op::Modify, "an update")),
        }
    }

    async fn properties(&self, query: &[PropertyType]) -> Result<Properties> {
        match &self.0 {
            Kind::Hcs(system) => system.properties(query).await,
            Kind::Job(system) => system.properties(query).map_err(self.failed(Op::Properties)),
        }
    }

    async fn spawn(&self, parameters: &ProcessParameters) -> Result<(HostProcess, Stdio)> {
        match &self.0 {
            Kind::Hcs(system) => {
                let (process, stdio) = system.spawn(parameters).await?;
                Ok((HostProcess(KindOfProcess::Hcs(process)), stdio))
            }
            Kind::Job(system) => {
                let spawned = system.spawn(parameters).await;
                let (process, stdio) = spawned.map_err(self.failed(Op::Spawn))?;
                Ok((HostProcess(KindOfProcess::Job(process, system.id().clone())), stdio))
            }
        }
    }

    async fn wait(&self) -> SystemExit {
        match &self.0 {
            Kind::Hcs(system) => system.wait().await,
            Kind::Job(system) => system.wait().await,
        }
    }

    async fn events(&self) -> Result<mpsc::Receiver<SystemEvent>> {
        if let Kind::Hcs(system) = &self.0 {
            return system.events().await;
        }
        let (tell, told) = mpsc::channel(1);
        let system = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = system.wait() => {}
                () = tell.closed() => {}
            }
        });
        Ok(told)
    }
}

impl HostProcess {
    fn job_failed(op: Op, id: &SystemId) -> impl FnOnce(ErrorKind) -> EngineError {
        let id = id.clone();
        move |kind| EngineError::new(op, id, kind)
    }
}

impl Process for HostProcess {
    fn pid(&self) -> Pid {
        match &self.0 {
            KindOfProcess::Hcs(process) => process.pid(),
            KindOfProcess::Job(process, _) => process.pid(),
        }
    }

    async fn wait(&self) -> ExitCode {
        match &self.0 {
            KindOfProcess::Hcs(process) => process.wait().await,
            KindOfProcess::Job(process, _) => process.wait().await,
        }
    }

    async fn signal(&self, event: ControlEvent) -> Result<bool> {
        match &self.0 {
            KindOfProcess::Hcs(process) => process.signal(event).await,
            KindOfProcess::Job(process, id) => {
                process.signal(event).map_err(Self::job_failed(Op::Signal, id))
            }
        }
    }

    async fn terminate(&self, code: ExitCode) -> Result<bool> {
        match &self.0 {
            KindOfProcess::Hcs(process) => process.terminate(code).await,
            KindOfProcess::Job(process, id) => {
                process.terminate(code).map_err(Self::job_failed(Op::Kill, id))
            }
        }
    }

    async fn resize(&self, size: ConsoleSize) -> Result<()> {
        match &self.0 {
            KindOfProcess::Hcs(process) => process.resize(size).await,
            KindOfProcess::Job(process, id) => {
                process.resize(size).await.map_err(Self::job_failed(Op::Resize, id))
            }
        }
    }
}
