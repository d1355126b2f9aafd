//! The diagnostics service, and what a client may ask of a utility VM. Everything is about the
//! shim's own task: the standalone container, or the pod's sandbox.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use engine::Engine;
use lifecycle::Status;
use resources::Host;
use ttrpc::r#async::TtrpcContext;

use super::Service;
use super::slot::Slot;
use crate::driver::TaskHandle;
use crate::error::{Error, Result};
use crate::proto::diag::{
    Exec, ExecProcessRequest, ExecProcessResponse, PidRequest, PidResponse, ShareRequest,
    ShareResponse, StacksRequest, StacksResponse, Task, TasksRequest, TasksResponse,
};
use crate::proto::diag_ttrpc::{ShimDiag, create_shim_diag};
use crate::proto::extended::{ComputeProcessorInfoRequest, ComputeProcessorInfoResponse};
use crate::proto::extended_ttrpc::{ExtendedTask, create_extended_task};

/// What every question about a VM is answered with: the engines of this version run none.
const NOT_HOSTED: &str = "task is not isolated: it runs in no utility VM";

/// Both services.
pub(super) fn services<E: Engine, H: Host>(
    service: &Service<E, H>,
) -> HashMap<String, ttrpc::r#async::Service> {
    let mut services = create_shim_diag(Arc::new(service.clone()));
    services.extend(create_extended_task(Arc::new(service.clone())));
    services
}

impl<E: Engine, H: Host> Service<E, H> {
    /// The shim's own task.
    async fn own(&self) -> Result<TaskHandle<E::System>> {
        self.task(self.inner.id.as_str()).await
    }

    /// All tasks with their ids, the sandbox first.
    pub(super) async fn all(&self) -> Result<Vec<(String, TaskHandle<E::System>)>> {
        let slot = self.inner.slot.lock().await;
        match &*slot {
            Slot::Empty => Err(Error::NotFound(format!("task `{}`", self.inner.id))),
            Slot::Standalone(id, task) => Ok(vec![(id.to_string(), task.clone())]),
            Slot::Pod(pod) => {
                let ids = pod.machine.tasks().map(ToString::to_string);
                ids.map(|id| slot.find(&id).map(|task| (id, task))).collect()
            }
        }
    }

    async fn tasks(&self, execs: bool) -> Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for (id, task) in self.all().await? {
            let mut told = Vec::new();
            if execs {
                for (exec, status) in task.execs().await? {
                    let state = word(status).to_owned();
                    told.push(Exec { id: exec, state, ..Exec::default() });
                }
            }
            tasks.push(Task { id, execs: told, ..Task::default() });
        }
        Ok(tasks)
    }

    /// Where each task stands and who waits for it: what a stack is to a shim whose threads sleep
    /// between events.
    async fn stacks(&self) -> String {
        let mut text = String::new();
        for (id, task) in self.all().await.unwrap_or_default() {
            let told = task.describe().await.unwrap_or_else(|error| format!("{error}\n"));
            let _ = write!(text, "task {id}\n{told}");
        }
        let _ = write!(text, "\nthreads\n{}", engine::threads());
        let here = std::backtrace::Backtrace::force_capture();
        let _ = write!(text, "\nthe thread that answers\n{here}");
        text
    }

    async fn exec_in_host(&self, request: &ExecProcessRequest) -> Result<ExecProcessResponse> {
        self.own().await?;
        if request.terminal && !request.stderr.is_empty() {
            let rule = "if using terminal, stderr must be empty";
            return Err(Error::Precondition(rule.to_owned()));
        }
        if request.args.is_empty() {
            return Err(Error::Failed("missing command".to_owned()));
        }
        Err(Error::Failed(NOT_HOSTED.to_owned()))
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Running(_) => "running",
        Status::Exited(_) => "exited",
    }
}

#[async_trait]
impl<E: Engine, H: Host> ShimDiag for Service<E, H> {
    async fn diag_exec_in_host(
        &self,
        _ctx: &TtrpcContext,
        request: ExecProcessRequest,
    ) -> ttrpc::Result<ExecProcessResponse> {
        Ok(self.exec_in_host(&request).await?)
    }

    async fn diag_stacks(
        &self,
        _ctx: &TtrpcContext,
        _request: StacksRequest,
    ) -> ttrpc::Result<StacksResponse> {
        Ok(StacksResponse { stacks: Service::stacks(self).await, ..StacksResponse::default() })
    }

    async fn diag_tasks(
        &self,
        _ctx: &TtrpcContext,
        request: TasksRequest,
    ) -> ttrpc::Result<TasksResponse> {
        let tasks = Service::tasks(self, request.execs).await?;
        Ok(TasksResponse { tasks, ..TasksResponse::default() })
    }

    async fn diag_share(
        &self,
        _ctx: &TtrpcContext,
        _request: ShareRequest,
    ) -> ttrpc::Result<ShareResponse> {
        self.own().await?;
        Err(Error::Failed(NOT_HOSTED.to_owned()).into())
    }

    async fn diag_pid(
        &self,
        _ctx: &TtrpcContext,
        _request: PidRequest,
    ) -> ttrpc::Result<PidResponse> {
        let pid = i32::try_from(std::process::id()).expect("pids fit");
        Ok(PidResponse { pid, ..PidResponse::default() })
    }
}

#[async_trait]
impl<E: Engine, H: Host> ExtendedTask for Service<E, H> {
    async fn compute_processor_info(
        &self,
        _ctx: &TtrpcContext,
        request: ComputeProcessorInfoRequest,
    ) -> ttrpc::Result<ComputeProcessorInfoResponse> {
        self.task(&request.id).await?;
        Err(Error::Failed(NOT_HOSTED.to_owned()).into())
    }
}
