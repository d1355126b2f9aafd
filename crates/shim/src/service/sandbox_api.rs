//! The Sandbox API: the same pod, made without a bundle's spec.
//!
//! A containerd of version 2 can hand a pod's whole configuration over and ask for a sandbox, in
//! the place of the spec of a pause container. What it hands over becomes the spec that such a
//! container would have had ([`pod_config`](super::pod_config)); from there on there is one kind of
//! pod, and its sandbox task is the sandbox. Its life is told by this API's answers and not by
//! events of a task: containerd publishes a sandbox's events itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use containerd_shim_protos::sandbox_api::{
    CreateSandboxRequest, CreateSandboxResponse, PingRequest, PingResponse, PlatformRequest,
    PlatformResponse, SandboxMetricsRequest, SandboxMetricsResponse, SandboxStatusRequest,
    SandboxStatusResponse, ShutdownSandboxRequest, ShutdownSandboxResponse, StartSandboxRequest,
    StartSandboxResponse, StopSandboxRequest, StopSandboxResponse, WaitSandboxRequest,
    WaitSandboxResponse,
};
use containerd_shim_protos::sandbox_async::{Sandbox, create_sandbox};
use engine::Engine;
use lifecycle::signals::Delivery;
use lifecycle::{Denied, Exit, Status, Which};
use protobuf::MessageField;
use resources::Host;
use schema::process::ControlEvent;
use ttrpc::r#async::TtrpcContext;

use super::slot::Slot;
use super::task_api::to_the_end;
use super::{Service, pod_config};
use crate::driver::TaskHandle;
use crate::error::{Error, Result};
use crate::wire::timestamp;

/// As containerd's CRI compares them.
const READY: &str = "SANDBOX_READY";
const NOT_READY: &str = "SANDBOX_NOTREADY";
/// How long a sandbox may take to stop when nobody says how long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn services<E: Engine, H: Host>(
    service: &Service<E, H>,
) -> HashMap<String, ttrpc::r#async::Service> {
    create_sandbox(Arc::new(service.clone()))
}

impl<E: Engine, H: Host> Service<E, H> {
    async fn create_sandbox_of(&self, request: CreateSandboxRequest) -> Result<()> {
        if !self.inner.is_sandbox {
            return Err(Error::Precondition("this shim serves a container, no sandbox".to_owned()));
        }
        let _asking = self.asking();
        let asked = pod_config::asked(request, &self.inner.world.facts)?;
        let _making = self.inner.making.lock().await;
        if !matches!(*self.inner.slot.lock().await, Slot::Empty) {
            return Err(Error::AlreadyExists(format!("sandbox `{}`", asked.id)));
        }
        self.create_pod(asked).await
    }

    /// The sandbox task. There is one sandbox a shim, and another's id is not found.
    async fn sandbox(&self, id: &str) -> Result<TaskHandle<E::System>> {
        if id != self.inner.id.as_str() {
            return Err(Error::NotFound(format!("sandbox `{id}`")));
        }
        self.task(id).await
    }

    async fn status_of(&self, request: SandboxStatusRequest) -> Result<SandboxStatusResponse> {
        let id = request.sandbox_id;
        let snapshot = self.sandbox(&id).await?.status(Which::Init).await?;
        let (state, pid, exit) = match snapshot.status {
            Status::Created => (NOT_READY, 0, None),
            Status::Running(_) => (READY, std::process::id(), None),
            Status::Exited(exit) => (NOT_READY, 0, Some(exit)),
        };
        let info = if request.verbose { self.verbose().await } else { HashMap::new() };
        Ok(SandboxStatusResponse {
            sandbox_id: id,
            pid,
            state: state.to_owned(),
            info,
            created_at: MessageField::some(timestamp(Some(snapshot.created))),
            exited_at: MessageField::some(timestamp(exit.map(|exit| exit.at))),
            ..SandboxStatusResponse::default()
        })
    }

    /// What a person may want to know of the pod.
    async fn verbose(&self) -> HashMap<String, String> {
        let slot = self.inner.slot.lock().await;
        let Slot::Pod(pod) = &*slot else { return HashMap::new() };
        let tasks: Vec<String> = pod.machine.tasks().skip(1).map(ToString::to_string).collect();
        HashMap::from([
            ("containers".to_owned(), tasks.join(" ")),
            ("shimPid".to_owned(), std::process::id().to_string()),
        ])
    }

    /// Asks every task to shut down, ends those that did not in time, and comes back when all have
    /// ended. One that has ended already is as good.
    async fn stop(&self, id: &str, patience: Duration) -> Result<()> {
        self.sandbox(id).await?;
        let tasks = self.inner.slot.lock().await.targets(id, "", true)?;
        let (holder, workloads) = tasks.split_last().expect("a pod has its sandbox");
        let shutdown = Delivery::Control(ControlEvent::CtrlShutdown);
        kill(workloads, shutdown).await?;
        if tokio::time::timeout(patience, ended(workloads)).await.is_err() {
            kill(workloads, Delivery::Terminate).await?;
            let late = Error::TimedOut("waiting for the containers of the sandbox");
            tokio::time::timeout(PATIENCE, ended(workloads)).await.map_err(|_| late)?;
        }
        let holder = std::slice::from_ref(holder);
        kill(holder, Delivery::Terminate).await?;
        let late = Error::TimedOut("waiting for the sandbox");
        tokio::time::timeout(PATIENCE, ended(holder)).await.map_err(|_| late)
    }
}

async fn kill<S: engine::System>(tasks: &[TaskHandle<S>], how: Delivery) -> Result<()> {
    for task in tasks {
        match task.kill(Which::Init, Ok(how), true).await {
            Ok(()) | Err(Error::Denied(Denied::AlreadyExited)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn ended<S: engine::System>(tasks: &[TaskHandle<S>]) {
    // A task whose driver is gone has ended with it.
    futures::future::join_all(tasks.iter().map(|task| task.wait(Which::Init))).await;
}

fn exit_of(exit: Exit) -> WaitSandboxResponse {
    WaitSandboxResponse {
        exit_status: exit.code.0,
        exited_at: MessageField::some(timestamp(Some(exit.at))),
        ..WaitSandboxResponse::default()
    }
}

#[async_trait]
impl<E: Engine, H: Host> Sandbox for Service<E, H> {
    async fn create_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: CreateSandboxRequest,
    ) -> ttrpc::Result<CreateSandboxResponse> {
        let service = self.clone();
        to_the_end(async move { service.create_sandbox_of(request).await }).await?;
        Ok(CreateSandboxResponse::new())
    }

    /// The pid is one whose namespaces can be named: a placeholder has none of its own, so that it
    /// is the shim's.
    async fn start_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: StartSandboxRequest,
    ) -> ttrpc::Result<StartSandboxResponse> {
        let service = self.clone();
        let created = to_the_end(async move {
            let task = service.sandbox(&request.sandbox_id).await?;
            task.start(Which::Init).await?;
            Ok(task.status(Which::Init).await?.created)
        });
        Ok(StartSandboxResponse {
            pid: std::process::id(),
            created_at: MessageField::some(timestamp(Some(created.await?))),
            ..StartSandboxResponse::default()
        })
    }

    /// Containerd has no way to make a Windows spec on another OS, so that on each it is asked for
    /// its own; the shim makes of it what it needs.
    async fn platform(
        &self,
        _ctx: &TtrpcContext,
        request: PlatformRequest,
    ) -> ttrpc::Result<PlatformResponse> {
        self.sandbox(&request.sandbox_id).await?;
        let os = if self.inner.world.facts.is_unix() { "linux" } else { "windows" };
        let mut response = PlatformResponse::new();
        let platform = response.platform.mut_or_insert_default();
        os.clone_into(&mut platform.os);
        "amd64".clone_into(&mut platform.architecture);
        Ok(response)
    }

    async fn stop_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: StopSandboxRequest,
    ) -> ttrpc::Result<StopSandboxResponse> {
        let service = self.clone();
        let patience = Duration::from_secs(request.timeout_secs.into());
        let patience = if patience.is_zero() { PATIENCE } else { patience };
        to_the_end(async move { service.stop(&request.sandbox_id, patience).await }).await?;
        Ok(StopSandboxResponse::new())
    }

    async fn wait_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: WaitSandboxRequest,
    ) -> ttrpc::Result<WaitSandboxResponse> {
        let task = self.sandbox(&request.sandbox_id).await?;
        Ok(exit_of(task.wait(Which::Init).await?))
    }

    async fn sandbox_status(
        &self,
        _ctx: &TtrpcContext,
        request: SandboxStatusRequest,
    ) -> ttrpc::Result<SandboxStatusResponse> {
        Ok(self.status_of(request).await?)
    }

    async fn ping_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: PingRequest,
    ) -> ttrpc::Result<PingResponse> {
        self.sandbox(&request.sandbox_id).await?;
        Ok(PingResponse::new())
    }

    async fn shutdown_sandbox(
        &self,
        _ctx: &TtrpcContext,
        request: ShutdownSandboxRequest,
    ) -> ttrpc::Result<ShutdownSandboxResponse> {
        self.shut_down(&request.sandbox_id, false);
        Ok(ShutdownSandboxResponse::new())
    }

    async fn sandbox_metrics(
        &self,
        _ctx: &TtrpcContext,
        request: SandboxMetricsRequest,
    ) -> ttrpc::Result<SandboxMetricsResponse> {
        self.sandbox(&request.sandbox_id).await?;
        let data = self.stats(&request.sandbox_id).await?;
        let mut response = SandboxMetricsResponse::new();
        let metrics = response.metrics.mut_or_insert_default();
        metrics.timestamp = MessageField::some(timestamp(Some(SystemTime::now())));
        metrics.id = request.sandbox_id;
        metrics.data = MessageField::some(data);
        Ok(response)
    }
}
