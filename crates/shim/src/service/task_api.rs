//! The Task API, version 2 and 3: both have the same messages under another package name.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use containerd_shim_protos::api::{
    CheckpointTaskRequest, CloseIORequest, ConnectRequest, ConnectResponse, CreateTaskRequest,
    CreateTaskResponse, DeleteRequest, DeleteResponse, Empty, ExecProcessRequest, KillRequest,
    PauseRequest, PidsRequest, PidsResponse, ResizePtyRequest, ResumeRequest, ShutdownRequest,
    StartRequest, StartResponse, StateRequest, StateResponse, StatsRequest, StatsResponse,
    UpdateTaskRequest, WaitRequest, WaitResponse,
};
use containerd_shim_protos::shim_async::{Task, create_task};
use engine::Engine;
use lifecycle::signals::{Delivery, InvalidSignal};
use lifecycle::{Exit, Which};
use plan::Streams;
use plan::oci::Process;
use plan::signals::{self, Action};
use plan::vm::GuestOs;
use protobuf::MessageField;
use resources::Host;
use schema::{ConsoleSize, ExecId};
use ttrpc::r#async::TtrpcContext;

use super::bundle::one_stream;
use super::{Service, which};
use crate::driver::ExecRequest;
use crate::error::{Error, Result};
use crate::stdio::{Ends, Upstream};
use crate::wire::timestamp;

/// How long a deletion waits for everything to be given back.
const PATIENCE: Duration = Duration::from_secs(30);
const VERSION_3: &str = "containerd.task.v3.Task";
const VERSION_2: &str = "containerd.task.v2.Task";

type Services = HashMap<String, ttrpc::r#async::Service>;

/// Everything that the shim's socket offers: the Task API under both names, and the rest.
pub(crate) fn services<E: Engine, H: Host>(service: &Service<E, H>) -> Services {
    let make = || create_task(Arc::new(service.clone()));
    let mut services = make();
    let second = make().remove(VERSION_3).expect("the bindings are of version 3");
    services.insert(VERSION_2.to_owned(), second);
    services.extend(super::diag::services(service));
    services.extend(super::sandbox_api::services(service));
    services
}

/// Runs a request to its end, also when its client goes away meanwhile.
pub(super) async fn to_the_end<T: Send + 'static>(
    request: impl Future<Output = Result<T>> + Send + 'static,
) -> ttrpc::Result<T> {
    match tokio::spawn(request).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Error::Ending.into()),
    }
}

impl<E: Engine, H: Host> Service<E, H> {
    async fn exec_in(&self, mut request: ExecProcessRequest) -> Result<()> {
        let task = self.task(&request.id).await?;
        if task.is_linux_shaped() {
            one_stream(request.terminal, &mut request.stderr);
        }
        if request.terminal && !request.stderr.is_empty() {
            let rule = "if using terminal, stderr must be empty";
            return Err(Error::Precondition(rule.to_owned()));
        }
        let mut process: Process = serde_json::from_slice(&request.spec.value)
            .map_err(|error| Error::Failed(format!("request.Spec was not oci process: {error}")))?;
        if task.is_linux_shaped() {
            let annotations = task.spec().annotations.clone().unwrap_or_default();
            plan::linux_shaped::adopt_process(&mut process, &annotations)?;
        }
        let id = exec_id(&request.exec_id)?;
        task.join_exec(id.clone()).await?;
        process.terminal |= request.terminal;
        let exec = self.connect_exec(&request, &process).await;
        match exec {
            Ok(exec) => task.add_exec(id, Some(exec)).await,
            Err(error) => {
                task.add_exec(id, None).await?;
                Err(error)
            }
        }
    }

    async fn connect_exec(
        &self,
        request: &ExecProcessRequest,
        process: &Process,
    ) -> Result<ExecRequest> {
        let ends = Ends {
            stdin: request.stdin.clone(),
            stdout: request.stdout.clone(),
            stderr: request.stderr.clone(),
            terminal: request.terminal,
        };
        let namespace = &self.inner.world.namespace;
        let upstream = Upstream::connect(ends, namespace, &request.id).await?;
        let Streams { stdin, stdout, stderr } = upstream.streams();
        let parameters = plan::process_parameters(process, Streams { stdin, stdout, stderr });
        let ends = upstream.ends.clone();
        Ok(ExecRequest { parameters, upstream, ends })
    }

    async fn kill_all_of(&self, request: KillRequest) -> Result<()> {
        let process = which(&request.exec_id)?;
        let slot = self.inner.slot.lock().await;
        let targets = slot.targets(&request.id, &request.exec_id, request.all)?;
        drop(slot);
        let how = delivery(request.signal);
        let kills = targets.iter().map(|task| task.kill(process.clone(), how.clone(), request.all));
        // Each is told, also when another refuses; the first refusal is the answer.
        let answers = futures::future::join_all(kills).await;
        answers.into_iter().collect()
    }

    pub(super) async fn delete_process(&self, id: &str, exec: &str) -> Result<Exit> {
        let (task, process) = self.process(id, exec).await?;
        let deleted = tokio::time::timeout(PATIENCE, task.delete(process.clone())).await;
        let late = Error::TimedOut("waiting for container resource cleanup");
        let exit = deleted.map_err(|_| late)??;
        if process == Which::Init {
            self.inner.slot.lock().await.forget(id);
        }
        Ok(exit)
    }
}

/// Taken at once, in any spelling that is an id.
fn exec_id(text: &str) -> Result<ExecId> {
    if text.is_empty() {
        return Err(Error::AlreadyExists("exec ``".to_owned()));
    }
    ExecId::new(text).map_err(|error| Error::Invalid(error.to_string()))
}

/// What a number means to a Windows process.
fn delivery(signal: u32) -> Result<Delivery, InvalidSignal> {
    match signals::number(GuestOs::Windows, signal.into(), true) {
        Ok(Action::Event(event)) => Ok(Delivery::Control(event)),
        Ok(Action::Terminate) => Ok(Delivery::Terminate),
        Ok(Action::Signal(_)) | Err(_) => Err(InvalidSignal(signal.to_string())),
    }
}

fn cells(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[async_trait]
impl<E: Engine, H: Host> Task for Service<E, H> {
    async fn create(
        &self,
        _ctx: &TtrpcContext,
        request: CreateTaskRequest,
    ) -> ttrpc::Result<CreateTaskResponse> {
        let service = self.clone();
        to_the_end(async move { service.create(request).await }).await?;
        Ok(CreateTaskResponse::new())
    }

    async fn start(
        &self,
        _ctx: &TtrpcContext,
        request: StartRequest,
    ) -> ttrpc::Result<StartResponse> {
        let service = self.clone();
        let pid = to_the_end(async move {
            let (task, which) = service.process(&request.id, &request.exec_id).await?;
            task.start(which).await
        });
        Ok(StartResponse { pid: pid.await?.0, ..StartResponse::default() })
    }

    async fn state(
        &self,
        _ctx: &TtrpcContext,
        request: StateRequest,
    ) -> ttrpc::Result<StateResponse> {
        Ok(Service::state(self, &request.id, &request.exec_id).await?)
    }

    async fn delete(
        &self,
        _ctx: &TtrpcContext,
        request: DeleteRequest,
    ) -> ttrpc::Result<DeleteResponse> {
        let service = self.clone();
        let exit =
            to_the_end(async move { service.delete_process(&request.id, &request.exec_id).await });
        let exit = exit.await?;
        Ok(DeleteResponse {
            pid: exit.pid.0,
            exit_status: exit.code.0,
            exited_at: MessageField::some(timestamp(Some(exit.at))),
            ..DeleteResponse::default()
        })
    }

    async fn exec(&self, _ctx: &TtrpcContext, request: ExecProcessRequest) -> ttrpc::Result<Empty> {
        let service = self.clone();
        to_the_end(async move { service.exec_in(request).await }).await?;
        Ok(Empty::new())
    }

    async fn kill(&self, _ctx: &TtrpcContext, request: KillRequest) -> ttrpc::Result<Empty> {
        let service = self.clone();
        to_the_end(async move { service.kill_all_of(request).await }).await?;
        Ok(Empty::new())
    }

    async fn wait(&self, _ctx: &TtrpcContext, request: WaitRequest) -> ttrpc::Result<WaitResponse> {
        let (task, which) = self.process(&request.id, &request.exec_id).await?;
        let exit = task.wait(which).await?;
        Ok(WaitResponse {
            exit_status: exit.code.0,
            exited_at: MessageField::some(timestamp(Some(exit.at))),
            ..WaitResponse::default()
        })
    }

    async fn pids(&self, _ctx: &TtrpcContext, request: PidsRequest) -> ttrpc::Result<PidsResponse> {
        let processes = Service::pids(self, &request.id).await?;
        Ok(PidsResponse { processes, ..PidsResponse::default() })
    }

    async fn stats(
        &self,
        _ctx: &TtrpcContext,
        request: StatsRequest,
    ) -> ttrpc::Result<StatsResponse> {
        let stats = Service::stats(self, &request.id).await?;
        Ok(StatsResponse { stats: MessageField::some(stats), ..StatsResponse::default() })
    }

    async fn update(
        &self,
        _ctx: &TtrpcContext,
        request: UpdateTaskRequest,
    ) -> ttrpc::Result<Empty> {
        let service = self.clone();
        to_the_end(async move { service.update(request).await }).await?;
        Ok(Empty::new())
    }

    async fn pause(&self, _ctx: &TtrpcContext, request: PauseRequest) -> ttrpc::Result<Empty> {
        let task = self.task(&request.id).await?;
        to_the_end(async move { task.pause().await }).await?;
        Ok(Empty::new())
    }

    async fn resume(&self, _ctx: &TtrpcContext, request: ResumeRequest) -> ttrpc::Result<Empty> {
        let task = self.task(&request.id).await?;
        to_the_end(async move { task.resume().await }).await?;
        Ok(Empty::new())
    }

    async fn checkpoint(
        &self,
        _ctx: &TtrpcContext,
        _request: CheckpointTaskRequest,
    ) -> ttrpc::Result<Empty> {
        Err(Error::NotImplemented("a checkpoint of a Windows container").into())
    }

    async fn resize_pty(
        &self,
        _ctx: &TtrpcContext,
        request: ResizePtyRequest,
    ) -> ttrpc::Result<Empty> {
        let (task, which) = self.process(&request.id, &request.exec_id).await?;
        let size = ConsoleSize { height: cells(request.height), width: cells(request.width) };
        task.resize(which, size).await?;
        Ok(Empty::new())
    }

    async fn close_io(&self, _ctx: &TtrpcContext, request: CloseIORequest) -> ttrpc::Result<Empty> {
        let (task, which) = self.process(&request.id, &request.exec_id).await?;
        task.close_io(which).await?;
        Ok(Empty::new())
    }

    async fn connect(
        &self,
        _ctx: &TtrpcContext,
        _request: ConnectRequest,
    ) -> ttrpc::Result<ConnectResponse> {
        let pid = std::process::id();
        Ok(ConnectResponse { shim_pid: pid, task_pid: pid, ..ConnectResponse::default() })
    }

    async fn shutdown(
        &self,
        _ctx: &TtrpcContext,
        request: ShutdownRequest,
    ) -> ttrpc::Result<Empty> {
        self.shut_down(&request.id, request.now);
        Ok(Empty::new())
    }
}
