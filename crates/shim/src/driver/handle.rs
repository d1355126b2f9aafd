//! What the service holds of a task: its inbox, and the compute system for questions that need no
//! state.

use std::sync::Arc;

use engine::System;
use lifecycle::signals::{Delivery, InvalidSignal};
use lifecycle::{Exit, Status, Which};
use schema::{ConsoleSize, ExecId, Pid};
use tokio::sync::{mpsc, oneshot};

use super::message::{Answer, ExecRequest, Message, Reply, Request, Snapshot};
use crate::error::{Error, Result};

/// A task. Clones speak to the same one.
pub(crate) struct TaskHandle<S: System> {
    pub(super) inbox: mpsc::UnboundedSender<Message<S>>,
    pub(super) system: Option<S>,
    pub(super) spec: Arc<plan::Spec>,
    pub(super) is_linux_shaped: bool,
}

impl<S: System> Clone for TaskHandle<S> {
    fn clone(&self) -> Self {
        Self {
            inbox: self.inbox.clone(),
            system: self.system.clone(),
            spec: Arc::clone(&self.spec),
            is_linux_shaped: self.is_linux_shaped,
        }
    }
}

impl<S: System> TaskHandle<S> {
    /// Its spec came as one for Linux, and so do its execs.
    pub(crate) fn is_linux_shaped(&self) -> bool {
        self.is_linux_shaped
    }

    /// The compute system; a pod's placeholder has none.
    pub(crate) fn system(&self) -> Option<&S> {
        self.system.as_ref()
    }

    /// The spec that the task was made from, annotations expanded.
    pub(crate) fn spec(&self) -> &plan::Spec {
        &self.spec
    }

    pub(crate) async fn start(&self, which: Which) -> Result<Pid> {
        self.ask(|reply| Request::Start(which, reply)).await
    }

    pub(crate) async fn join_exec(&self, id: ExecId) -> Result<()> {
        self.ask(|reply| Request::JoinExec(id, reply)).await
    }

    pub(crate) async fn add_exec(&self, id: ExecId, exec: Option<ExecRequest>) -> Result<()> {
        self.ask(|reply| Request::AddExec(id, exec.map(Box::new), reply)).await
    }

    pub(crate) async fn kill(
        &self,
        which: Which,
        how: Result<Delivery, InvalidSignal>,
        all: bool,
    ) -> Result<()> {
        self.ask(|reply| Request::Kill(which, how, all, reply)).await
    }

    pub(crate) async fn delete(&self, which: Which) -> Result<Exit> {
        self.ask(|reply| Request::Delete(which, reply)).await
    }

    pub(crate) async fn wait(&self, which: Which) -> Result<Exit> {
        self.ask(|reply| Request::Wait(which, reply)).await
    }

    pub(crate) async fn status(&self, which: Which) -> Result<Snapshot> {
        self.ask(|reply| Request::Status(which, reply)).await
    }

    pub(crate) async fn owners(&self, pids: Vec<Pid>) -> Result<Vec<Option<Which>>> {
        self.ask(|reply| Request::Owners(pids, reply)).await
    }

    pub(crate) async fn execs(&self) -> Result<Vec<(String, Status)>> {
        self.ask(Request::Execs).await
    }

    pub(crate) async fn describe(&self) -> Result<String> {
        self.ask(Request::Describe).await
    }

    pub(crate) async fn resize(&self, which: Which, size: ConsoleSize) -> Result<()> {
        self.ask(|reply| Request::Resize(which, size, reply)).await
    }

    pub(crate) async fn close_io(&self, which: Which) -> Result<()> {
        self.ask(|reply| Request::CloseIo(which, reply)).await
    }

    pub(crate) async fn pause(&self) -> Result<()> {
        self.ask(Request::Pause).await
    }

    pub(crate) async fn resume(&self) -> Result<()> {
        self.ask(Request::Resume).await
    }

    /// The first process runs.
    pub(crate) async fn is_running(&self) -> bool {
        let status = self.status(Which::Init).await;
        status.is_ok_and(|snapshot| matches!(snapshot.status, Status::Running(_)))
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let sent = self.inbox.send(Message::Request(request(reply)));
        sent.map_err(|_| Error::Ending)?;
        let (value, receipts): Answer<T> = answer.await.map_err(|_| Error::Ending)??;
        for receipt in receipts {
            receipt.await;
        }
        Ok(value)
    }
}
