//! `computecore.dll`, the test double: operations, compute systems and processes.
//!
//! Every export has Windows' name and signature. What no caller of Transom's uses answers
//! "not supported".

#![cfg(windows)]
#![expect(unsafe_code, reason = "exports called from C")]
#![expect(missing_docs, reason = "Windows documents them")]

#[path = "computecore/operations.rs"]
mod operations;
#[path = "computecore/service.rs"]
mod service;

use std::ffi::c_void;
use std::time::Duration;

use hcs_emulator::client::export::{Text, request};
use hcs_emulator::client::{self, Client, Context, operation, text};
use hcs_emulator::codes;
use hcs_emulator::faults::{self, When};
use hcs_emulator::wire::Request;

type Result = u32;

/// `HCS_EVENT`.
#[repr(C)]
pub struct HcsEvent {
    kind: u32,
    data: Text,
    operation: u64,
}

type OnEvent = unsafe extern "system" fn(*const HcsEvent, *const c_void);

/// Submits a request that makes no handle.
fn submit(call: &str, handle: u64, operation: u64, texts: &[Text]) -> Result {
    match Client::refused_at_once(call) {
        Some(result) => result,
        None => operation::submit(operation, request(call, handle, texts)),
    }
}

/// Submits a request that makes one.
///
/// # Safety
///
/// `place` is a place for a handle.
unsafe fn submit_new(mut request: Request, operation: u64, place: *mut u64) -> Result {
    if let Some(result) = Client::refused_at_once(&request.call) {
        return result;
    }
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    request.new_handle = client.handle();
    client.callbacks.add(request.new_handle);
    // SAFETY: the caller promises the place.
    unsafe { *place = request.new_handle };
    operation::submit(operation, request)
}

/// Makes a handle without an operation.
///
/// # Safety
///
/// `place` is a place for a handle.
unsafe fn open(mut request: Request, place: *mut u64) -> Result {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    request.new_handle = client.handle();
    client.callbacks.add(request.new_handle);
    let handle = request.new_handle;
    let answer = client.ask(request);
    if codes::failed(answer.result) {
        client.callbacks.remove(handle);
        return answer.result;
    }
    // SAFETY: the caller promises the place.
    unsafe { *place = handle };
    answer.result
}

/// # Safety
///
/// The texts end with a zero; `system` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsCreateComputeSystem(
    id: Text,
    configuration: Text,
    operation: u64,
    _security: *const c_void,
    system: *mut u64,
) -> Result {
    let request = request("HcsCreateComputeSystem", 0, &[id, configuration]);
    // SAFETY: as the caller promises.
    unsafe { submit_new(request, operation, system) }
}

/// # Safety
///
/// The text ends with a zero; `system` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsOpenComputeSystem(
    id: Text,
    _access: u32,
    system: *mut u64,
) -> Result {
    // SAFETY: as the caller promises.
    unsafe { open(request("HcsOpenComputeSystem", 0, &[id]), system) }
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsCloseComputeSystem(system: u64) {
    if let Some(client) = client::client() {
        client.close(system);
    }
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsEnumerateComputeSystems(query: Text, operation: u64) -> Result {
    submit("HcsEnumerateComputeSystems", 0, operation, &[query])
}

macro_rules! submitted {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        pub extern "system" fn $name(handle: u64, operation: u64, document: Text) -> Result {
            submit(stringify!($name), handle, operation, &[document])
        }
    )+};
}

submitted!(
    HcsStartComputeSystem,
    HcsShutDownComputeSystem,
    HcsTerminateComputeSystem,
    HcsPauseComputeSystem,
    HcsResumeComputeSystem,
    HcsSaveComputeSystem,
    HcsCrashComputeSystem,
    HcsGetComputeSystemProperties,
    HcsTerminateProcess,
    HcsSignalProcess,
    HcsGetProcessProperties,
    HcsModifyProcess
);

#[unsafe(no_mangle)]
pub extern "system" fn HcsModifyComputeSystem(
    system: u64,
    operation: u64,
    configuration: Text,
    _identity: *const c_void,
) -> Result {
    submit("HcsModifyComputeSystem", system, operation, &[configuration])
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsGetProcessInfo(process: u64, operation: u64) -> Result {
    submit("HcsGetProcessInfo", process, operation, &[])
}

/// # Safety
///
/// The text ends with a zero; `process` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsCreateProcess(
    system: u64,
    parameters: Text,
    operation: u64,
    _security: *const c_void,
    process: *mut u64,
) -> Result {
    let request = request("HcsCreateProcess", system, &[parameters]);
    // SAFETY: as the caller promises.
    unsafe { submit_new(request, operation, process) }
}

/// # Safety
///
/// `process` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsOpenProcess(
    system: u64,
    pid: u32,
    _access: u32,
    process: *mut u64,
) -> Result {
    let mut request = request("HcsOpenProcess", system, &[]);
    request.number = pid.into();
    // SAFETY: as the caller promises.
    unsafe { open(request, process) }
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsCloseProcess(process: u64) {
    HcsCloseComputeSystem(process);
}

/// A rule makes it late; one that also has an error loses what came before instead.
fn set_callback(
    call: &str,
    handle: u64,
    context: *const c_void,
    callback: Option<OnEvent>,
) -> Result {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    if let Some(rule) = faults::next(call, When::Complete) {
        std::thread::sleep(Duration::from_millis(rule.delay_ms));
        if rule.result().is_some() {
            client.callbacks.forget(handle);
        }
    }
    let context = Context(context);
    let callback = callback.map(|callback| {
        let tell = move |kind: u32, data: &str| {
            let data = text::wide(data);
            let event = HcsEvent { kind, data: data.as_ptr(), operation: 0 };
            // SAFETY: whoever set it promises that it is good until the handle is closed.
            unsafe { callback(&raw const event, context.get()) };
        };
        std::sync::Arc::new(tell) as client::EventCallback
    });
    for (kind, data) in client.callbacks.set(handle, callback) {
        let callbacks = std::sync::Arc::clone(&client.callbacks);
        client.later(move || callbacks.tell(handle, kind, &data));
    }
    codes::OK
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsSetComputeSystemCallback(
    system: u64,
    _options: u32,
    context: *const c_void,
    callback: Option<OnEvent>,
) -> Result {
    set_callback("HcsSetComputeSystemCallback", system, context, callback)
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsSetProcessCallback(
    process: u64,
    _options: u32,
    context: *const c_void,
    callback: Option<OnEvent>,
) -> Result {
    set_callback("HcsSetProcessCallback", process, context, callback)
}

/// Waits for an end on the service's side.
///
/// # Safety
///
/// `result` is null or a place.
unsafe fn wait(call: &str, handle: u64, milliseconds: u32, result: *mut *mut u16) -> Result {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    let mut request = request(call, handle, &[]);
    request.number = milliseconds.into();
    let answer = client.ask(request);
    // SAFETY: as the caller promises.
    unsafe { text::give(result, &answer.document) };
    answer.result
}

/// # Safety
///
/// `result` is null or a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsWaitForComputeSystemExit(
    system: u64,
    milliseconds: u32,
    result: *mut *mut u16,
) -> Result {
    // SAFETY: as the caller promises.
    unsafe { wait("HcsWaitForComputeSystemExit", system, milliseconds, result) }
}

/// # Safety
///
/// `result` is null or a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsWaitForProcessExit(
    process: u64,
    milliseconds: u32,
    result: *mut *mut u16,
) -> Result {
    // SAFETY: as the caller promises.
    unsafe { wait("HcsWaitForProcessExit", process, milliseconds, result) }
}
