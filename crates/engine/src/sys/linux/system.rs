//! Handles to a compute system and to its processes.
//!
//! Each handle keeps a connection on which the end will be told, so that the end is known also to
//! those who ask for it after the silo host has gone.

use std::sync::Arc;
use std::time::Instant;

use schema::modify::ModifyRequest;
use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::{Properties, PropertyType};
use schema::{ConsoleSize, ExitCode, Pid, SystemId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::client::{Connection, SILO_HOST};
use super::engine::{GONE_WITHIN, LOOK_AGAIN};
use super::protocol::{Answer, Reply, Request};
use super::streams;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use crate::system::{ExitKind, Process, Stdio, System, SystemEvent, SystemExit};

/// A handle to a silo.
#[derive(Debug, Clone)]
pub struct HostSystem {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: SystemId,
    engine: HostEngine,
    end: End<SystemExit>,
}

/// A handle to a process in a silo.
#[derive(Debug, Clone)]
pub struct HostProcess {
    system: Arc<Inner>,
    pid: Pid,
    end: Arc<End<ExitCode>>,
}

/// An end that is waited for from the start.
#[derive(Debug)]
struct End<T> {
    told: watch::Receiver<Option<T>>,
    waiter: JoinHandle<()>,
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.waiter.abort();
    }
}

impl<T: Copy + Send + Sync + 'static> End<T> {
    /// Asks now, and keeps the answer; `unknown` when there will be none.
    fn watch(
        engine: &HostEngine,
        id: &SystemId,
        request: Request,
        read: fn(&Answer) -> Option<T>,
        unknown: T,
    ) -> Self {
        let (tell, told) = watch::channel(None);
        let dir = engine.silo_dir(id);
        let waiter = tokio::spawn(async move {
            let answer = Connection::ask(&dir, &request).await;
            let end = answer.ok().and_then(|(answer, _)| read(&answer)).unwrap_or(unknown);
            tell.send_replace(Some(end));
        });
        Self { told, waiter }
    }

    async fn wait(&self, unknown: T) -> T {
        let mut told = self.told.clone();
        let end = told.wait_for(Option::is_some).await.map(|end| *end);
        end.ok().flatten().unwrap_or(unknown)
    }
}

const UNEXPECTED: SystemExit = SystemExit { kind: ExitKind::Unexpected, out_of_memory: false };

impl HostSystem {
    pub(super) fn new(id: SystemId, engine: HostEngine) -> Self {
        let read = |answer: &Answer| match answer {
            Answer::SystemExited(exit) => Some((*exit).into()),
            _ => None,
        };
        let end = End::watch(&engine, &id, Request::WaitSystem, read, UNEXPECTED);
        Self { inner: Arc::new(Inner { id, engine, end }) }
    }

    /// A handle to a process that was started through another handle.
    pub fn process(&self, pid: Pid) -> HostProcess {
        let read = |answer: &Answer| match answer {
            Answer::Exited(code) => Some(*code),
            _ => None,
        };
        let Inner { engine, id, .. } = &*self.inner;
        let request = Request::WaitProcess { pid: pid.0 };
        let end = Arc::new(End::watch(engine, id, request, read, ExitCode::UNKNOWN));
        HostProcess { system: self.inner.clone(), pid, end }
    }
}

impl HostSystem {
    /// Waits for the end of a process that was started through another handle.
    pub async fn end_of(&self, pid: Pid) -> ExitCode {
        self.process(pid).wait().await
    }
}

impl Inner {
    async fn ask(&self, op: Op, request: &Request) -> Result<(Answer, Vec<std::os::fd::OwnedFd>)> {
        let asked = Connection::ask(&self.engine.silo_dir(&self.id), request).await;
        // A handle was good once: a system that is not there any more has ended.
        let asked = asked.map_err(|kind| match kind {
            ErrorKind::NotFound("compute system") => ErrorKind::AlreadyStopped,
            other => other,
        });
        asked.map_err(|kind| EngineError::new(op, &self.id, kind))
    }

    async fn end_it(&self) -> Result<(), ErrorKind> {
        let dir = self.engine.silo_dir(&self.id);
        let since = Instant::now();
        loop {
            match Connection::ask(&dir, &Request::Terminate).await {
                // It may be ending on its own, or have been killed; the sweep knows.
                Ok(_) | Err(ErrorKind::NotFound(_) | ErrorKind::Disconnected(_)) => {}
                Err(other) => return Err(other),
            }
            if self.engine.sweep(&self.id).await? {
                return Ok(());
            }
            if since.elapsed() > GONE_WITHIN {
                let what = "the end of a silo host that no longer answers";
                return Err(ErrorKind::TimedOut { what, after: GONE_WITHIN });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Makes what concerns a system that has ended a success.
fn ended_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(EngineError {
            kind: ErrorKind::AlreadyStopped | ErrorKind::Disconnected(SILO_HOST),
            ..
        }) => Ok(()),
        other => other,
    }
}

impl System for HostSystem {
    type Process = HostProcess;

    fn id(&self) -> &SystemId {
        &self.inner.id
    }

    async fn start(&self) -> Result<()> {
        self.inner.ask(Op::Start, &Request::Start).await.map(drop)
    }

    async fn shutdown(&self) -> Result<()> {
        ended_is_fine(self.inner.ask(Op::Shutdown, &Request::Shutdown).await.map(drop))
    }

    async fn terminate(&self) -> Result<()> {
        let ended = self.inner.end_it().await;
        ended.map_err(|kind| EngineError::new(Op::Terminate, &self.inner.id, kind))
    }

    async fn pause(&self) -> Result<()> {
        self.inner.ask(Op::Pause, &Request::Pause).await.map(drop)
    }

    async fn resume(&self) -> Result<()> {
        self.inner.ask(Op::Resume, &Request::Resume).await.map(drop)
    }

    async fn modify(&self, request: &ModifyRequest) -> Result<()> {
        self.inner.ask(Op::Modify, &Request::Modify(request.clone())).await.map(drop)
    }

    async fn properties(&self, query: &[PropertyType]) -> Result<Properties> {
        match self.inner.ask(Op::Properties, &Request::Properties(query.to_vec())).await?.0 {
            Answer::Properties(properties) => Ok(*properties),
            other => Err(self.inner.nonsense(Op::Properties, &other)),
        }
    }

    async fn spawn(&self, parameters: &ProcessParameters) -> Result<(HostProcess, Stdio)> {
        let (answer, fds) = self.inner.ask(Op::Spawn, &Request::Spawn(parameters.clone())).await?;
        let Answer::Spawned { pid, .. } = &answer else {
            return Err(self.inner.nonsense(Op::Spawn, &answer));
        };
        let stdio = streams::stdio(&answer, fds).map_err(|e| {
            EngineError::new(Op::Spawn, &self.inner.id, ErrorKind::io("use its streams", e))
        })?;
        Ok((self.process(Pid(*pid)), stdio))
    }

    async fn wait(&self) -> SystemExit {
        self.inner.end.wait(UNEXPECTED).await
    }

    async fn events(&self) -> Result<mpsc::Receiver<SystemEvent>> {
        let fail = |e| EngineError::new(Op::Wait, &self.inner.id, ErrorKind::io("listen", e));
        let dir = self.inner.engine.silo_dir(&self.inner.id);
        let mut connection = Connection::open(&dir).await.map_err(fail)?;
        connection.send(&Request::Events).await.map_err(fail)?;
        let (tell, told) = mpsc::channel(16);
        // Lives as long as someone listens and the system is there.
        tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    next = connection.receive::<Reply>() => next,
                    () = tell.closed() => return,
                };
                let Ok((Ok(Answer::OutOfMemory), _)) = next else { return };
                if tell.send(SystemEvent::OutOfMemory).await.is_err() {
                    return;
                }
            }
        });
        Ok(told)
    }
}

impl Inner {
    /// An answer to another question: the silo host is of another build.
    fn nonsense(&self, op: Op, answer: &Answer) -> EngineError {
        let text = format!("the silo host answered {answer:?}");
        EngineError::new(op, &self.id, ErrorKind::io("understand it", std::io::Error::other(text)))
    }
}

impl HostProcess {
    async fn deliver(&self, op: Op, request: &Request) -> Result<bool> {
        match self.system.ask(op, request).await {
            Ok((Answer::Delivered(delivered), _)) => Ok(delivered),
            Ok((other, _)) => Err(self.system.nonsense(op, &other)),
            Err(EngineError {
                kind: ErrorKind::AlreadyStopped | ErrorKind::Disconnected(_),
                ..
            }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

impl Process for HostProcess {
    fn pid(&self) -> Pid {
        self.pid
    }

    async fn wait(&self) -> ExitCode {
        self.end.wait(ExitCode::UNKNOWN).await
    }

    async fn signal(&self, event: ControlEvent) -> Result<bool> {
        self.deliver(Op::Signal, &Request::Signal { pid: self.pid.0, event }).await
    }

    async fn terminate(&self, code: ExitCode) -> Result<bool> {
        self.deliver(Op::Kill, &Request::Kill { pid: self.pid.0, code }).await
    }

    async fn resize(&self, size: ConsoleSize) -> Result<()> {
        self.system.ask(Op::Resize, &Request::Resize { pid: self.pid.0, size }).await.map(drop)
    }
}
