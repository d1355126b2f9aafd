//! A process of the in-memory engine: a task of the runtime that plays a program.

use std::sync::{Arc, Mutex};

use schema::process::{ControlEvent, ProcessParameters};
use schema::properties::ProcessDetails;
use schema::{ConsoleSize, ExitCode, Pid, SystemId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use super::program::{CONTROL_C_EXIT, Program};
use super::system::Phase;
use crate::system::{Reader, Writer};
use crate::{EngineError, ErrorKind, Op, Process, Result, Stdio};

/// How much a pipe holds.
const PIPE: usize = 64 << 10;

/// A handle to a process.
#[derive(Debug, Clone)]
pub struct MemoryProcess {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    system: SystemId,
    pid: Pid,
    image: &'static str,
    orders: mpsc::UnboundedSender<Order>,
    exit: watch::Sender<Option<ExitCode>>,
    console: Option<Mutex<ConsoleSize>>,
}

#[derive(Debug)]
enum Order {
    /// Any control event: the programs make no difference between them.
    Control,
    End(ExitCode),
}

/// The inner ends of the standard streams.
struct Inner {
    stdin: Option<Reader>,
    stdout: Option<Writer>,
    stderr: Option<Writer>,
}

impl MemoryProcess {
    /// Starts a program; it stops where it is while `phase` says paused.
    pub(super) fn start(
        system: &SystemId,
        pid: Pid,
        parameters: &ProcessParameters,
        phase: watch::Receiver<Phase>,
    ) -> Result<(Self, Stdio)> {
        let program = Program::find(parameters)
            .map_err(|failure| EngineError::new(Op::Spawn, system, failure))?;
        let (orders, inbox) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            system: system.clone(),
            pid,
            image: program.image(),
            orders,
            exit: watch::Sender::new(None),
            console: parameters.emulate_console.then(|| {
                Mutex::new(parameters.console().unwrap_or(ConsoleSize { height: 25, width: 80 }))
            }),
        });
        let (inner, outer) = streams(parameters);
        tokio::spawn(live(program, inner, inbox, phase, Arc::clone(&shared)));
        Ok((Self { shared }, outer))
    }

    pub(super) fn details(&self) -> ProcessDetails {
        ProcessDetails {
            process_id: self.shared.pid.0,
            image_name: self.shared.image.to_owned(),
            ..ProcessDetails::default()
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.exit.borrow().is_some()
    }

    pub(super) fn order_end(&self, code: ExitCode) -> bool {
        !self.has_ended() && self.shared.orders.send(Order::End(code)).is_ok()
    }

    pub(super) fn order_control(&self) -> bool {
        !self.has_ended() && self.shared.orders.send(Order::Control).is_ok()
    }
}

impl Process for MemoryProcess {
    fn pid(&self) -> Pid {
        self.shared.pid
    }

    async fn wait(&self) -> ExitCode {
        let mut exit = self.shared.exit.subscribe();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|code| *code).unwrap_or(ExitCode::UNKNOWN)
    }

    async fn signal(&self, _event: ControlEvent) -> Result<bool> {
        Ok(self.order_control())
    }

    async fn terminate(&self, code: ExitCode) -> Result<bool> {
        Ok(self.order_end(code))
    }

    async fn resize(&self, size: ConsoleSize) -> Result<()> {
        match &self.shared.console {
            Some(console) => {
                *console.lock().expect("no holder of this lock panics") = size;
                Ok(())
            }
            None => Err(EngineError::new(
                Op::Resize,
                &self.shared.system,
                ErrorKind::InvalidState { state: "without a console" },
            )),
        }
    }
}

/// The two sides of the streams that were asked for; a console joins stdout and stderr.
fn streams(parameters: &ProcessParameters) -> (Inner, Stdio) {
    let mut inner = Inner { stdin: None, stdout: None, stderr: None };
    let mut outer = Stdio::default();
    if parameters.create_std_in_pipe || parameters.emulate_console {
        let (near, far) = pipe();
        (inner.stdin, outer.stdin) = (Some(near), Some(far));
    }
    if parameters.create_std_out_pipe || parameters.emulate_console {
        let (near, far) = pipe();
        (outer.stdout, inner.stdout) = (Some(near), Some(far));
    }
    if parameters.create_std_err_pipe && !parameters.emulate_console {
        let (near, far) = pipe();
        (outer.stderr, inner.stderr) = (Some(near), Some(far));
    }
    (inner, outer)
}

fn pipe() -> (Reader, Writer) {
    let (near, far) = tokio::io::duplex(PIPE);
    (Box::pin(near), Box::pin(far))
}

/// Plays the program until it ends by itself or by order, then lets go of its streams and tells.
async fn live(
    program: Program,
    inner: Inner,
    mut inbox: mpsc::UnboundedReceiver<Order>,
    phase: watch::Receiver<Phase>,
    shared: Arc<Shared>,
) {
    let stubborn = program == Program::Stubborn;
    let code = tokio::select! {
        code = play(program, inner, phase) => code,
        code = obey(&mut inbox, stubborn) => code,
    };
    shared.exit.send_replace(Some(code));
}

async fn obey(inbox: &mut mpsc::UnboundedReceiver<Order>, stubborn: bool) -> ExitCode {
    loop {
        match inbox.recv().await {
            Some(Order::Control) if stubborn => {}
            Some(Order::Control) => return ExitCode(CONTROL_C_EXIT),
            Some(Order::End(code)) => return code,
            None => return ExitCode::UNKNOWN,
        }
    }
}

async fn play(program: Program, inner: Inner, mut phase: watch::Receiver<Phase>) -> ExitCode {
    let Inner { stdin, stdout, stderr } = inner;
    running(&mut phase).await;
    match program {
        Program::Exit(code) => ExitCode(code),
        Program::Cat => cat(stdin, stdout, phase).await,
        Program::Complain(text) => {
            if let Some(mut stderr) = stderr {
                let _ = stderr.write_all(format!("{text}\r\n").as_bytes()).await;
                let _ = stderr.shutdown().await;
            }
            ExitCode(0)
        }
        // The streams stay open for as long as it runs.
        Program::Wait | Program::Stubborn => {
            let _held = (stdin, stdout, stderr);
            std::future::pending().await
        }
    }
}

async fn cat(
    stdin: Option<Reader>,
    stdout: Option<Writer>,
    mut phase: watch::Receiver<Phase>,
) -> ExitCode {
    let Some(mut stdin) = stdin else { return ExitCode(0) };
    let mut stdout = stdout;
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stdin.read(&mut chunk).await {
        running(&mut phase).await;
        if let Some(stdout) = &mut stdout
            && stdout.write_all(&chunk[..read]).await.is_err()
        {
            return ExitCode(1);
        }
    }
    ExitCode(0)
}

/// Holds a program while its system is frozen.
async fn running(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| !matches!(phase, Phase::Paused)).await;
}
