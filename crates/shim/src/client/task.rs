//! The Task API, one method a call. An exec id of `None` is the task's first process.

use std::path::Path;

use containerd_shim_protos::api;
use containerd_shim_protos::windows::stats::Statistics;
use oci_spec::runtime::{Process, WindowsResources};
use protobuf::{Message as _, MessageField};
use schema::{ConsoleSize, Pid};
use ttrpc::context::Context;

use super::types::{exit, time};
use super::{Client, ClientError, Exit, Failure, ProcessInfo, Stdio, TaskState, TaskStatus};
use crate::proto::ProcessDetails;
use crate::wire::{TYPE_PROCESS, TYPE_WINDOWS_RESOURCES, json_any};

type Result<T> = std::result::Result<T, ClientError>;

pub(super) fn op<T>(op: &'static str, result: ttrpc::Result<T>) -> Result<T> {
    result.map_err(|error| ClientError::new(op, error.into()))
}

fn owned(exec: Option<&str>) -> String {
    exec.unwrap_or_default().to_owned()
}

impl Client {
    /// Makes the container of `bundle`, not yet started.
    pub async fn create(&self, id: &str, bundle: &Path, stdio: &Stdio) -> Result<Pid> {
        let request = api::CreateTaskRequest {
            id: id.to_owned(),
            bundle: bundle.to_string_lossy().into_owned(),
            terminal: stdio.terminal,
            stdin: stdio.stdin.clone(),
            stdout: stdio.stdout.clone(),
            stderr: stdio.stderr.clone(),
            ..Default::default()
        };
        let answer = op("create the task", self.tasks.create(Context::default(), &request).await)?;
        Ok(Pid(answer.pid))
    }

    /// Starts a process that was created.
    pub async fn start_process(&self, id: &str, exec: Option<&str>) -> Result<Pid> {
        let request =
            api::StartRequest { id: id.to_owned(), exec_id: owned(exec), ..Default::default() };
        let answer = op("start the process", self.tasks.start(Context::default(), &request).await)?;
        Ok(Pid(answer.pid))
    }

    /// Adds a process to a running task; [`Client::start_process`] starts it.
    pub async fn exec(&self, id: &str, exec: &str, process: &Process, stdio: &Stdio) -> Result<()> {
        let request = api::ExecProcessRequest {
            id: id.to_owned(),
            exec_id: exec.to_owned(),
            terminal: stdio.terminal,
            stdin: stdio.stdin.clone(),
            stdout: stdio.stdout.clone(),
            stderr: stdio.stderr.clone(),
            spec: MessageField::some(json_any(TYPE_PROCESS, process)),
            ..Default::default()
        };
        op("add a process", self.tasks.exec(Context::default(), &request).await).map(drop)
    }

    /// Signals a process, or with `all` every process of the task.
    pub async fn kill(&self, id: &str, exec: Option<&str>, signal: u32, all: bool) -> Result<()> {
        let request = api::KillRequest {
            id: id.to_owned(),
            exec_id: owned(exec),
            signal,
            all,
            ..Default::default()
        };
        op("signal the process", self.tasks.kill(Context::default(), &request).await).map(drop)
    }

    /// Waits for a process' end, and for a task's first one until everything is given back.
    pub async fn wait(&self, id: &str, exec: Option<&str>) -> Result<Exit> {
        let request =
            api::WaitRequest { id: id.to_owned(), exec_id: owned(exec), ..Default::default() };
        let answer =
            op("wait for the process", self.tasks.wait(Context::default(), &request).await)?;
        Ok(exit(answer.exit_status, answer.exited_at.as_ref(), 0))
    }

    /// A process' state.
    pub async fn state(&self, id: &str, exec: Option<&str>) -> Result<TaskState> {
        let request =
            api::StateRequest { id: id.to_owned(), exec_id: owned(exec), ..Default::default() };
        let answer = op("ask for the state", self.tasks.state(Context::default(), &request).await)?;
        task_state(answer).map_err(|kind| ClientError::new("ask for the state", kind))
    }

    /// Deletes a process that has ended or never ran, and tells how it ended.
    pub async fn delete(&self, id: &str, exec: Option<&str>) -> Result<Exit> {
        let request =
            api::DeleteRequest { id: id.to_owned(), exec_id: owned(exec), ..Default::default() };
        let answer =
            op("delete the process", self.tasks.delete(Context::default(), &request).await)?;
        Ok(exit(answer.exit_status, answer.exited_at.as_ref(), answer.pid))
    }

    /// Every process in the container, also those that nobody started through the shim.
    pub async fn pids(&self, id: &str) -> Result<Vec<ProcessInfo>> {
        let request = api::PidsRequest { id: id.to_owned(), ..Default::default() };
        let answer = op("list the processes", self.tasks.pids(Context::default(), &request).await)?;
        answer
            .processes
            .into_iter()
            .map(|process| {
                let details = ProcessDetails::parse_from_bytes(&process.info.value)?;
                Ok(ProcessInfo { pid: process.pid, ..details.into() })
            })
            .collect::<protobuf::Result<_>>()
            .map_err(|error| unreadable("list the processes", &error))
    }

    /// The container's resource use.
    pub async fn stats(&self, id: &str) -> Result<Statistics> {
        let request = api::StatsRequest { id: id.to_owned(), ..Default::default() };
        let answer =
            op("ask for statistics", self.tasks.stats(Context::default(), &request).await)?;
        Statistics::parse_from_bytes(&answer.stats.value)
            .map_err(|error| unreadable("ask for statistics", &error))
    }

    /// Changes the limits of a running container.
    pub async fn update(&self, id: &str, resources: &WindowsResources) -> Result<()> {
        let request = api::UpdateTaskRequest {
            id: id.to_owned(),
            resources: MessageField::some(json_any(TYPE_WINDOWS_RESOURCES, resources)),
            ..Default::default()
        };
        op("change the limits", self.tasks.update(Context::default(), &request).await).map(drop)
    }

    /// Freezes the container.
    pub async fn pause(&self, id: &str) -> Result<()> {
        let request = api::PauseRequest { id: id.to_owned(), ..Default::default() };
        op("pause the task", self.tasks.pause(Context::default(), &request).await).map(drop)
    }

    /// Thaws the container.
    pub async fn resume(&self, id: &str) -> Result<()> {
        let request = api::ResumeRequest { id: id.to_owned(), ..Default::default() };
        op("resume the task", self.tasks.resume(Context::default(), &request).await).map(drop)
    }

    /// Resizes a process' console.
    pub async fn resize(&self, id: &str, exec: Option<&str>, size: ConsoleSize) -> Result<()> {
        let request = api::ResizePtyRequest {
            id: id.to_owned(),
            exec_id: owned(exec),
            width: size.width.into(),
            height: size.height.into(),
            ..Default::default()
        };
        op("resize the console", self.tasks.resize_pty(Context::default(), &request).await)
            .map(drop)
    }

    /// Ends a process' stdin once what is already in its pipe has been passed on.
    pub async fn close_io(&self, id: &str, exec: Option<&str>) -> Result<()> {
        let request = api::CloseIORequest {
            id: id.to_owned(),
            exec_id: owned(exec),
            stdin: true,
            ..Default::default()
        };
        op("close stdin", self.tasks.close_io(Context::default(), &request).await).map(drop)
    }

    /// The shim's own pid.
    pub async fn shim_pid(&self) -> Result<u32> {
        let request = api::ConnectRequest::default();
        let answer =
            op("ask for the shim's pid", self.tasks.connect(Context::default(), &request).await)?;
        Ok(answer.shim_pid)
    }

    /// Ends the shim: `now`, or when its open connections are done. Ignored for a workload's id.
    pub async fn shutdown(&self, id: &str, now: bool) -> Result<()> {
        let request = api::ShutdownRequest { id: id.to_owned(), now, ..Default::default() };
        match op("end the shim", self.tasks.shutdown(Context::default(), &request).await) {
            // A shim that ends may close the connection before its answer is out.
            Err(ClientError { kind: Failure::Lost(_), .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}

fn task_state(answer: api::StateResponse) -> std::result::Result<TaskState, Failure> {
    let status = match answer.status.enum_value() {
        Ok(api::Status::CREATED) => TaskStatus::Created,
        Ok(api::Status::RUNNING) => TaskStatus::Running,
        Ok(api::Status::STOPPED) => TaskStatus::Stopped,
        Ok(api::Status::PAUSED | api::Status::PAUSING) => TaskStatus::Paused,
        Ok(api::Status::UNKNOWN) | Err(_) => {
            return Err(Failure::Answer("the shim told no state".to_owned()));
        }
    };
    let ended = status == TaskStatus::Stopped
        && answer.exited_at.as_ref().is_some_and(|at| time(at).is_some());
    Ok(TaskState {
        status,
        pid: Pid(answer.pid),
        exit: ended.then(|| exit(answer.exit_status, answer.exited_at.as_ref(), answer.pid)),
        stdio: Stdio {
            stdin: answer.stdin,
            stdout: answer.stdout,
            stderr: answer.stderr,
            terminal: answer.terminal,
        },
    })
}

fn unreadable(op: &'static str, error: &protobuf::Error) -> ClientError {
    ClientError::new(op, Failure::Answer(format!("the shim's answer cannot be read: {error}")))
}
