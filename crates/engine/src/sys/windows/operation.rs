//! A call of HCS as a future.
//!
//! The call is submitted on a thread for blocking work, and its completion comes by a callback whose
//! context is a number: one that nobody waits for any more is looked up in vain. All of it runs on a
//! task of its own, since a call that is abandoned half-way would leave its handles to a closed door.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;
use windows_sys::Win32::System::HostComputeSystem::HCS_OPERATION;

use super::codes::{self, Refusal};
use super::hcs::{self, Raw};
use crate::error::ErrorKind;

/// Who waits, by context.
static WAITING: Mutex<BTreeMap<usize, oneshot::Sender<()>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// How long a call may take, unless the environment says otherwise.
const LIMIT: Duration = Duration::from_mins(4);

fn waiting() -> MutexGuard<'static, BTreeMap<usize, oneshot::Sender<()>>> {
    WAITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

unsafe extern "system" fn done(_operation: HCS_OPERATION, context: *const c_void) {
    let waiter = waiting().remove(&context.addr());
    if let Some(waiter) = waiter {
        // Whoever waited may have given up.
        let _ = waiter.send(());
    }
}

/// An operation; closed once.
pub(super) struct Operation(Raw);

impl Drop for Operation {
    fn drop(&mut self) {
        // The function was there when the operation was made.
        let _ = hcs::close_operation(self.0);
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// HCS said so.
    Refused(Refusal),
    /// It was never asked, or never answered.
    Otherwise(ErrorKind),
}

impl From<Failed> for ErrorKind {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => refusal.into(),
            Failed::Otherwise(kind) => kind,
        }
    }
}

impl From<ErrorKind> for Failed {
    fn from(kind: ErrorKind) -> Self {
        Self::Otherwise(kind)
    }
}

/// What an operation gave.
pub(super) struct Done<T> {
    /// What the call itself gave at once: a handle, if it makes one.
    pub(super) at_once: T,
    /// Its document, or what describes the process.
    pub(super) operation: Operation,
}

impl<T> Done<T> {
    /// The result document; an error is the operation's.
    pub(super) fn document(&self, call: &'static str) -> Result<String, Failed> {
        let (result, document) = hcs::result(self.operation.0)?;
        if codes::failed(result) {
            return Err(Failed::Refused(Refusal::new(call, result, document)));
        }
        Ok(document)
    }

    /// The operation, to ask for what else it gave.
    pub(super) fn raw(&self) -> Raw {
        self.operation.0
    }
}

/// Submits a call and waits until its operation is done; its outcome is then read from [`Done`].
pub(super) async fn run<T: Send + 'static>(
    call: &'static str,
    submit: impl FnOnce(Raw) -> Result<(u32, T), ErrorKind> + Send + 'static,
) -> Result<Done<T>, Failed> {
    let whole = tokio::spawn(async move {
        let (context, told) = expect_completion();
        let submitted = blocking(move || submit_to_new(call, context, submit)).await;
        let (at_once, operation) = match submitted {
            Ok(submitted) => submitted,
            Err(failed) => {
                waiting().remove(&context);
                return Err(failed);
            }
        };
        let after = limit(call);
        if tokio::time::timeout(after, told).await.is_err() {
            waiting().remove(&context);
            hcs::cancel_operation(operation.0)?;
            return Err(ErrorKind::TimedOut { what: call, after }.into());
        }
        Ok(Done { at_once, operation })
    });
    whole.await.unwrap_or_else(|_| Err(ErrorKind::Disconnected("the runtime").into()))
}

fn expect_completion() -> (usize, oneshot::Receiver<()>) {
    let context = NEXT.fetch_add(1, Ordering::Relaxed);
    let (tell, told) = oneshot::channel();
    waiting().insert(context, tell);
    (context, told)
}

fn submit_to_new<T>(
    call: &'static str,
    context: usize,
    submit: impl FnOnce(Raw) -> Result<(u32, T), ErrorKind>,
) -> Result<(T, Operation), Failed> {
    let operation = Operation(hcs::create_operation(context, done)?);
    let (result, at_once) = submit(operation.0)?;
    if codes::failed(result) {
        // Whatever document there is tells more than the code.
        let document = hcs::result(operation.0).map(|(_, document)| document).unwrap_or_default();
        return Err(Failed::Refused(Refusal::new(call, result, document)));
    }
    Ok((at_once, operation))
}

/// The environment's seconds for a call, else four minutes.
fn limit(call: &str) -> Duration {
    let variable = match call {
        "HcsCreateComputeSystem" => "HCSSHIM_TIMEOUT_SYSTEMCREATE",
        "HcsStartComputeSystem" => "HCSSHIM_TIMEOUT_SYSTEMSTART",
        "HcsPauseComputeSystem" => "HCSSHIM_TIMEOUT_SYSTEMPAUSE",
        "HcsResumeComputeSystem" => "HCSSHIM_TIMEOUT_SYSTEMRESUME",
        _ => return LIMIT,
    };
    let seconds = std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    seconds.filter(|seconds| *seconds > 0).map_or(LIMIT, Duration::from_secs)
}

/// Runs what blocks beside the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> Result<T, Failed> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ErrorKind::Disconnected("the runtime").into()))
}
