//! The diagnostics of a shim, one method a call.

use ttrpc::context::Context;

use super::task::op;
use super::{Client, ClientError};
use crate::proto::diag;

type Result<T> = std::result::Result<T, ClientError>;

/// A task of a shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagTask {
    /// Its id.
    pub id: String,
    /// The ids of its other processes, and where each is.
    pub execs: Vec<(String, String)>,
}

/// What a shim is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stacks {
    /// The shim itself.
    pub shim: String,
    /// The guest of its utility VM; empty without one.
    pub guest: String,
}

impl Client {
    /// What the shim is doing: its tasks, who waits for them, and its threads.
    pub async fn stacks(&self) -> Result<Stacks> {
        let answer = self.diag.diag_stacks(Context::default(), &diag::StacksRequest::new()).await;
        let answer = op("ask for stacks", answer)?;
        Ok(Stacks { shim: answer.stacks, guest: answer.guest_stacks })
    }

    /// Its tasks, the sandbox first, and with `execs` their other processes.
    pub async fn tasks(&self, execs: bool) -> Result<Vec<DiagTask>> {
        let request = diag::TasksRequest { execs, ..Default::default() };
        let answer = self.diag.diag_tasks(Context::default(), &request).await;
        let tasks = op("ask for the tasks", answer)?.tasks.into_iter();
        let told = |task: diag::Task| DiagTask {
            id: task.id,
            execs: task.execs.into_iter().map(|exec| (exec.id, exec.state)).collect(),
        };
        Ok(tasks.map(told).collect())
    }

    /// The shim's pid, as its diagnostics tell it.
    pub async fn diag_pid(&self) -> Result<i32> {
        let answer = self.diag.diag_pid(Context::default(), &diag::PidRequest::new()).await;
        Ok(op("ask for the shim's pid", answer)?.pid)
    }

    /// Shares a folder or file of the host with the utility VM.
    pub async fn share(&self, host_path: &str, uvm_path: &str, read_only: bool) -> Result<()> {
        let request = diag::ShareRequest {
            host_path: host_path.to_owned(),
            uvm_path: uvm_path.to_owned(),
            read_only,
            ..Default::default()
        };
        op("share it", self.diag.diag_share(Context::default(), &request).await).map(drop)
    }

    /// Runs a program in the utility VM, without streams.
    pub async fn exec_in_host(&self, args: &[String], workdir: &str) -> Result<i32> {
        let request = diag::ExecProcessRequest {
            args: args.to_vec(),
            workdir: workdir.to_owned(),
            ..Default::default()
        };
        let answer = self.diag.diag_exec_in_host(Context::default(), &request).await;
        Ok(op("run it in the VM", answer)?.exit_code)
    }
}
