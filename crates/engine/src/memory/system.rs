//! A compute system of the in-memory engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use schema::container::{MappedDirectory, Processor};
use schema::document::ComputeSystem;
use schema::modify::{ModifyRequest, paths};
use schema::process::ProcessParameters;
use schema::properties::{Properties, PropertyType, State, Statistics};
use schema::{ExitCode, Pid, SystemId};
use tokio::sync::{mpsc, watch};

use super::process::MemoryProcess;
use crate::{
    EngineError, ErrorKind, ExitKind, Op, Process as _, Result, Stdio, System, SystemEvent,
    SystemExit,
};

/// The code of a process that was ended from outside (`ERROR_PROCESS_ABORTED`).
const ABORTED: ExitCode = ExitCode(1067);

/// Where a system is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Created,
    Running,
    Paused,
    Ended(ExitKind),
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ended(_) => "stopped",
        }
    }

    fn state(self) -> State {
        match self {
            Self::Created => State::Created,
            Self::Running => State::Running,
            Self::Paused => State::Paused,
            Self::Ended(_) => State::Stopped,
        }
    }
}

/// A handle to a compute system.
#[derive(Debug, Clone)]
pub struct MemorySystem {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: SystemId,
    owner: String,
    created: SystemTime,
    phase: watch::Sender<Phase>,
    kept: watch::Sender<bool>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    last_pid: u32,
    processes: BTreeMap<u32, MemoryProcess>,
    memory: Option<u64>,
    processor: Option<Processor>,
    out_of_memory: bool,
    statistics: Statistics,
    mapped: Vec<MappedDirectory>,
    listeners: Vec<mpsc::Sender<SystemEvent>>,
}

impl MemorySystem {
    pub(super) fn new(id: SystemId, document: &ComputeSystem) -> Self {
        let container = document.container.as_ref();
        let inside = Inside {
            memory: container.and_then(|c| c.memory.as_ref()).map(|memory| memory.size_in_mb),
            processor: container.and_then(|c| c.processor.clone()),
            ..Inside::default()
        };
        Self {
            shared: Arc::new(Shared {
                id,
                owner: document.owner.clone(),
                created: SystemTime::now(),
                phase: watch::Sender::new(Phase::Created),
                kept: watch::Sender::new(false),
                inside: Mutex::new(inside),
            }),
        }
    }

    /// The memory limit, in MiB: what the document or a later change set.
    pub fn memory_limit(&self) -> Option<u64> {
        self.inside().memory
    }

    /// The processor limits: what the document or a later change set.
    pub fn processor_limits(&self) -> Option<Processor> {
        self.inside().processor.clone()
    }

    /// The directories that were mapped after its creation.
    pub fn mapped_later(&self) -> Vec<MappedDirectory> {
        self.inside().mapped.clone()
    }

    /// Keeps it from being ended, as something of the host's may that nobody can end, or lets it.
    pub fn keep_from_ending(&self, keep: bool) {
        self.shared.kept.send_replace(keep);
    }

    /// What it tells of its use of resources from now on.
    pub fn set_statistics(&self, statistics: Statistics) {
        self.inside().statistics = statistics;
    }

    /// Ends the system as a crash of its host would: nobody asked for it.
    pub fn crash(&self) {
        self.end(ExitKind::Unexpected, ExitCode::UNKNOWN);
    }

    /// Tells everyone who listens that the memory limit was hit.
    pub fn run_out_of_memory(&self) {
        let mut inside = self.inside();
        inside.out_of_memory = true;
        inside.listeners.retain(|to| {
            !matches!(
                to.try_send(SystemEvent::OutOfMemory),
                Err(mpsc::error::TrySendError::Closed(_))
            )
        });
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase(), Phase::Ended(_))
    }

    pub(super) fn basic(&self) -> Properties {
        let since = self.shared.created.duration_since(SystemTime::UNIX_EPOCH);
        Properties {
            id: self.shared.id.to_string(),
            system_type: "Container".to_owned(),
            owner: self.shared.owner.clone(),
            state: self.phase().state(),
            created_unix: since.ok().map(|since| since.as_secs_f64()),
            statistics: None,
            process_list: None,
        }
    }

    fn phase(&self) -> Phase {
        *self.shared.phase.borrow()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.inside.lock().expect("no holder of this lock panics")
    }

    fn error(&self, op: Op, kind: impl Into<ErrorKind>) -> EngineError {
        EngineError::new(op, &self.shared.id, kind)
    }

    fn refuse(&self, op: Op) -> EngineError {
        match self.phase() {
            Phase::Ended(_) => self.error(op, ErrorKind::AlreadyStopped),
            phase => self.error(op, ErrorKind::InvalidState { state: phase.name() }),
        }
    }

    /// Goes from one phase to another, or refuses.
    fn go(&self, op: Op, from: Phase, to: Phase) -> Result<()> {
        let went = self.shared.phase.send_if_modified(|phase| {
            let goes = *phase == from;
            if goes {
                *phase = to;
            }
            goes
        });
        if went { Ok(()) } else { Err(self.refuse(op)) }
    }

    fn end(&self, kind: ExitKind, code: ExitCode) {
        let ended = self.shared.phase.send_if_modified(|phase| {
            let ends = !matches!(phase, Phase::Ended(_));
            if ends {
                *phase = Phase::Ended(kind);
            }
            ends
        });
        if ended {
            let mut inside = self.inside();
            inside.listeners.clear();
            for process in inside.processes.values() {
                process.order_end(code);
            }
        }
    }
}

impl System for MemorySystem {
    type Process = MemoryProcess;

    fn id(&self) -> &SystemId {
        &self.shared.id
    }

    async fn start(&self) -> Result<()> {
        self.go(Op::Start, Phase::Created, Phase::Running)
    }

    async fn shutdown(&self) -> Result<()> {
        if self.has_ended() {
            return Ok(());
        }
        let running = {
            let inside = self.inside();
            for process in inside.processes.values() {
                process.order_control();
            }
            inside.processes.values().cloned().collect::<Vec<_>>()
        };
        let system = self.clone();
        tokio::spawn(async move {
            for process in running {
                process.wait().await;
            }
            system.end(ExitKind::Graceful, ABORTED);
        });
        Ok(())
    }

    async fn terminate(&self) -> Result<()> {
        let mut kept = self.shared.kept.subscribe();
        // The sender lives as long as the system.
        let _ = kept.wait_for(|kept| !*kept).await;
        self.end(ExitKind::Forced, ABORTED);
        Ok(())
    }

    async fn pause(&self) -> Result<()> {
        self.go(Op::Pause, Phase::Running, Phase::Paused)
    }

    async fn resume(&self) -> Result<()> {
        self.go(Op::Resume, Phase::Paused, Phase::Running)
    }

    async fn modify(&self, request: &ModifyRequest) -> Result<()> {
        if self.has_ended() {
            return Err(self.refuse(Op::Modify));
        }
        let invalid = |rule: String| {
            self.error(
                Op::Modify,
                ErrorKind::InvalidDocument {
                    field: request.resource_path.clone(),
                    value: request.settings.to_string(),
                    rule,
                },
            )
        };
        let settings = request.settings.clone();
        match request.resource_path.as_str() {
            paths::MEMORY => {
                let limit = serde_json::from_value(settings).map_err(|e| invalid(e.to_string()))?;
                self.inside().memory = Some(limit);
            }
            paths::PROCESSOR => {
                let limits =
                    serde_json::from_value(settings).map_err(|e| invalid(e.to_string()))?;
                self.inside().processor = Some(limits);
            }
            paths::MAPPED_DIRECTORIES => {
                let mapped = serde_json::from_value(settings);
                self.inside().mapped.push(mapped.map_err(|e| invalid(e.to_string()))?);
            }
            other => {
                return Err(self.error(
                    Op::Modify,
                    ErrorKind::Unsupported {
                        what: format!("changing `{other}`"),
                        why: "only limits and mapped directories can change in memory".to_owned(),
                    },
                ));
            }
        }
        Ok(())
    }

    async fn properties(&self, query: &[PropertyType]) -> Result<Properties> {
        if self.has_ended() {
            return Err(self.refuse(Op::Properties));
        }
        let mut answer = self.basic();
        for wanted in query {
            match wanted {
                PropertyType::Statistics => {
                    answer.statistics = Some(self.inside().statistics.clone());
                }
                PropertyType::ProcessList => {
                    let inside = self.inside();
                    let alive = inside.processes.values().filter(|process| !process.has_ended());
                    answer.process_list = Some(alive.map(MemoryProcess::details).collect());
                }
                PropertyType::Memory => {
                    let why = "a container has no VM memory".to_owned();
                    let what = "the property `Memory`".to_owned();
                    return Err(self.error(Op::Properties, ErrorKind::Unsupported { what, why }));
                }
            }
        }
        Ok(answer)
    }

    async fn spawn(&self, parameters: &ProcessParameters) -> Result<(MemoryProcess, Stdio)> {
        if self.phase() != Phase::Running {
            return Err(self.refuse(Op::Spawn));
        }
        let mut inside = self.inside();
        inside.processes.retain(|_, process| !process.has_ended());
        // Windows pids are multiples of four.
        let pid = Pid(inside.last_pid + 4);
        let phase = self.shared.phase.subscribe();
        let (process, stdio) = MemoryProcess::start(&self.shared.id, pid, parameters, phase)?;
        inside.last_pid = pid.0;
        inside.processes.insert(pid.0, process.clone());
        Ok((process, stdio))
    }

    async fn wait(&self) -> SystemExit {
        let mut phase = self.shared.phase.subscribe();
        let ended = phase.wait_for(|phase| matches!(phase, Phase::Ended(_))).await;
        let kind = match ended.map(|phase| *phase) {
            Ok(Phase::Ended(kind)) => kind,
            Ok(Phase::Created | Phase::Running | Phase::Paused) | Err(_) => ExitKind::Unexpected,
        };
        SystemExit { kind, out_of_memory: self.inside().out_of_memory }
    }

    async fn events(&self) -> Result<mpsc::Receiver<SystemEvent>> {
        if self.has_ended() {
            return Err(self.refuse(Op::Wait));
        }
        let (to, from) = mpsc::channel(8);
        self.inside().listeners.push(to);
        Ok(from)
    }
}
