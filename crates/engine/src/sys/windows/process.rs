//! A handle to a process, and its streams.

use std::os::windows::io::RawHandle;
use std::sync::Arc;

use schema::process::{ControlEvent, ProcessParameters};
use schema::{ConsoleSize, ExitCode, Pid};
use serde::Deserialize;
use serde_json::json;
use tokio::net::windows::named_pipe::NamedPipeServer;
use tokio::sync::{oneshot, watch};
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::HostComputeSystem::HCS_PROCESS_INFORMATION;

use super::codes::{self, Refusal};
use super::engine::open_handle;
use super::events::{self, Registration};
use super::hcs::{self, ProcessHandle, Raw};
use super::operation::{self, Done, Failed};
use super::system::Inner as System;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::system::{Process, Stdio};

const CREATE: &str = "HcsCreateProcess";

/// A handle to a process in a compute system of HCS'.
#[derive(Debug, Clone)]
pub(super) struct HcsProcess {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pid: Pid,
    handle: ProcessHandle,
    system: Arc<System>,
    told: watch::Sender<Option<ExitCode>>,
    exit: watch::Receiver<Option<ExitCode>>,
    _events: Registration,
}

/// `ProcessStatus`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    #[serde(default)]
    exited: bool,
    #[serde(default)]
    exit_code: u32,
    #[serde(default)]
    last_wait_result: i32,
}

/// What a process was given, until its handles have owners.
struct Given(HCS_PROCESS_INFORMATION);

// SAFETY: handles are numbers that any thread of the process may use.
unsafe impl Send for Given {}

/// Starts a process, on a task of its own: a process whose asker has gone by the time that it is
/// there is ended, and its streams are closed.
pub(super) async fn spawn(
    system: &Arc<System>,
    parameters: &ProcessParameters,
) -> Result<(HcsProcess, Stdio), ErrorKind> {
    if system.has_ended() {
        return Err(ErrorKind::AlreadyStopped);
    }
    let text = serde_json::to_string(parameters)
        .map_err(|error| ErrorKind::io("write its parameters", std::io::Error::other(error)))?;
    let (tell, told) = oneshot::channel();
    let system = Arc::clone(system);
    tokio::spawn(async move {
        // What nobody takes, now or when it was sent, is ended with its guard.
        let _ = tell.send(start(system, text).await.map(|started| Unclaimed(Some(started))));
    });
    let mut started = told.await.unwrap_or(Err(ErrorKind::Disconnected("the runtime")))?;
    Ok(started.0.take().expect("it is claimed once"))
}

/// A process that nobody has been told of: it is ended with this.
struct Unclaimed(Option<(HcsProcess, Stdio)>);

impl Drop for Unclaimed {
    fn drop(&mut self) {
        let Some((process, _streams)) = self.0.take() else { return };
        // Without a runtime the program ends, and the system with its last handle.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Nobody is there to be told that it could not be.
                let _ = process.kill().await;
            });
        }
    }
}

async fn start(system: Arc<System>, text: String) -> Result<(HcsProcess, Stdio), ErrorKind> {
    let this = Arc::clone(&system);
    let submit = move |operation| {
        let (result, process) = hcs::create_process(this.handle.0, &text, operation)?;
        Ok((result, (process != 0).then(|| ProcessHandle(process))))
    };
    let started = operation::run(CREATE, submit).await.map_err(of_spawn)?;
    let (handle, Given(info)) = settle(started).await.map_err(of_spawn)?;
    let stdio = streams(&info)?;
    let process = HcsProcess::new(system, handle, Pid(info.ProcessId))?;
    Ok((process, stdio))
}

/// A handle to a process that was started through another one.
pub(super) async fn open(system: &Arc<System>, pid: Pid) -> Result<HcsProcess, Failed> {
    let this = Arc::clone(system);
    let handle = operation::blocking(move || open_in(this.handle.0, pid)).await?;
    let process = HcsProcess::new(Arc::clone(system), handle, pid)?;
    process.look().await?;
    Ok(process)
}

fn open_in(system: Raw, pid: Pid) -> Result<ProcessHandle, Failed> {
    let (result, process) = hcs::open_process(system, pid.0)?;
    if codes::failed(result) {
        return Err(Failed::Refused(Refusal::new("HcsOpenProcess", result, String::new())));
    }
    Ok(ProcessHandle(process))
}

fn of_spawn(failed: Failed) -> ErrorKind {
    match failed {
        Failed::Refused(refusal) => refusal.of_spawn(),
        Failed::Otherwise(kind) => kind,
    }
}

/// Windows Server 2022 can fail the operation although the process is there: then its handle is
/// asked, and the first error stands when that fails too.
async fn settle(mut done: Done<Option<ProcessHandle>>) -> Result<(ProcessHandle, Given), Failed> {
    const INFO: &str = "HcsGetProcessInfo";
    let (result, document, info) = hcs::process_result(done.raw())?;
    let handle = done.at_once.take().ok_or(ErrorKind::Disconnected("the Host Compute Service"))?;
    if !codes::failed(result) {
        return Ok((handle, Given(info)));
    }
    let first = Refusal::new(CREATE, result, document);
    drop(done);
    if first.win32() != Some(INVALID_ARGUMENT) {
        return Err(Failed::Refused(first));
    }
    let asked = operation::run(INFO, {
        let raw = handle.0;
        move |operation| Ok((hcs::process_info(raw, operation)?, ()))
    });
    let Ok(told) = asked.await else { return Err(Failed::Refused(first)) };
    match hcs::process_result(told.raw())? {
        (result, _, info) if !codes::failed(result) => Ok((handle, Given(info))),
        _ => Err(Failed::Refused(first)),
    }
}

const INVALID_ARGUMENT: u32 = 87;

/// The handles are overlapped pipes, and this process' own from here on.
fn streams(info: &HCS_PROCESS_INFORMATION) -> Result<Stdio, ErrorKind> {
    let (input, output, error) =
        (stream(info.StdInput), stream(info.StdOutput), stream(info.StdError));
    Ok(Stdio {
        stdin: input?.map(|pipe| Box::pin(pipe) as _),
        stdout: output?.map(|pipe| Box::pin(pipe) as _),
        stderr: error?.map(|pipe| Box::pin(pipe) as _),
    })
}

fn stream(handle: HANDLE) -> Result<Option<NamedPipeServer>, ErrorKind> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Ok(None);
    }
    // SAFETY: HCS gave the handle away; nobody else has it.
    let pipe = unsafe { NamedPipeServer::from_raw_handle(handle as RawHandle) };
    pipe.map(Some).map_err(|error| ErrorKind::io("use its streams", error))
}

impl HcsProcess {
    fn new(system: Arc<System>, handle: ProcessHandle, pid: Pid) -> Result<Self, Failed> {
        let (tell, exit) = watch::channel(None);
        let told = tell.clone();
        let hear = move |kind, data: &str| {
            let code = match kind {
                events::PROCESS_EXITED => of_status(data),
                events::SERVICE_DISCONNECT => ExitCode::UNKNOWN,
                _ => return,
            };
            tell_once(&tell, code);
        };
        let events = events::listen(c"HcsSetProcessCallback", handle.0, hear)?;
        Ok(Self { inner: Arc::new(Inner { pid, handle, system, told, exit, _events: events }) })
    }

    /// Asks whether it still runs: it may have ended after it was opened and before anybody listened,
    /// and an end is told once.
    async fn look(&self) -> Result<(), Failed> {
        let status = self.call(c"HcsGetProcessProperties", String::new()).await?;
        if serde_json::from_str::<Status>(&status).is_ok_and(|status| status.exited) {
            tell_once(&self.inner.told, of_status(&status));
        }
        Ok(())
    }

    async fn call(
        &self,
        function: &'static std::ffi::CStr,
        document: String,
    ) -> Result<String, Failed> {
        let name = function.to_str().expect("a function's name is ASCII");
        let this = Arc::clone(&self.inner);
        let submit = move |operation| {
            Ok((hcs::submit(function, this.handle.0, operation, &document)?, this))
        };
        operation::run(name, submit).await?.document(name)
    }

    fn has_ended(&self) -> bool {
        self.inner.exit.borrow().is_some()
    }

    fn failed(&self, op: Op) -> impl FnOnce(Failed) -> EngineError {
        let id = self.inner.system.id.clone();
        move |failed| EngineError::new(op, id, failed)
    }

    /// Through handles of its own: HCS takes a handle's signals one after the other, and one that
    /// hangs would hold up the kill.
    async fn kill(&self) -> Result<(), Failed> {
        let system = open_handle(&self.inner.system.id).await?;
        let pid = self.inner.pid;
        let process = operation::blocking(move || Ok((open_in(system.0, pid)?, system)));
        let process = process.await?;
        terminate(process).await
    }
}

async fn terminate(opened: (ProcessHandle, hcs::SystemHandle)) -> Result<(), Failed> {
    const CALL: &str = "HcsTerminateProcess";
    let submit = move |operation: Raw| {
        let result = hcs::submit(c"HcsTerminateProcess", opened.0.0, operation, "")?;
        Ok((result, opened))
    };
    operation::run(CALL, submit).await?.document(CALL).map(drop)
}

/// The first end is the end.
fn tell_once(tell: &watch::Sender<Option<ExitCode>>, code: ExitCode) {
    tell.send_if_modified(|told| told.is_none() && told.replace(code).is_none());
}

fn of_status(data: &str) -> ExitCode {
    match serde_json::from_str::<Status>(data) {
        Ok(status) if status.last_wait_result == 0 => ExitCode(status.exit_code),
        Ok(_) | Err(_) => ExitCode::UNKNOWN,
    }
}

/// Whether what was sent arrived; a process that is not there takes nothing.
fn delivered(result: Result<(), Failed>) -> Result<bool, Failed> {
    match result.map_err(ErrorKind::from) {
        Ok(()) => Ok(true),
        Err(
            ErrorKind::AlreadyStopped | ErrorKind::NotFound(_) | ErrorKind::InvalidState { .. },
        ) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

impl Process for HcsProcess {
    fn pid(&self) -> Pid {
        self.inner.pid
    }

    async fn wait(&self) -> ExitCode {
        let mut exit = self.inner.exit.clone();
        let code = exit.wait_for(Option::is_some).await.map(|code| *code);
        code.ok().flatten().unwrap_or(ExitCode::UNKNOWN)
    }

    async fn signal(&self, event: ControlEvent) -> Result<bool> {
        if self.has_ended() {
            return Ok(false);
        }
        let options = json!({ "Signal": event }).to_string();
        let sent = self.call(c"HcsSignalProcess", options).await.map(drop);
        delivered(sent).map_err(self.failed(Op::Signal))
    }

    /// HCS has no code to choose: what it ends has ended with 1067.
    async fn terminate(&self, _code: ExitCode) -> Result<bool> {
        if self.has_ended() {
            return Ok(false);
        }
        delivered(self.kill().await).map_err(self.failed(Op::Kill))
    }

    async fn resize(&self, size: ConsoleSize) -> Result<()> {
        let settings = json!({
            "Operation": "ConsoleSize",
            "ConsoleSize": { "Height": size.height, "Width": size.width },
        });
        let resized = self.call(c"HcsModifyProcess", settings.to_string()).await;
        resized.map(drop).map_err(self.failed(Op::Resize))
    }
}
