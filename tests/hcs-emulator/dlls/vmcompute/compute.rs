//! The older interface to compute systems: calls that are "pending", and notifications.
//!
//! A call that is wrong says so at once, with a document. One that is right goes on: its completion is
//! a notification, kept until somebody registers for it. The end of a system is one too.

#![expect(unsafe_code, reason = "exports called from C")]

use std::ffi::c_void;
use std::sync::Arc;

use hcs_emulator::client::export::{OutText, Text, ask, give, request};
use hcs_emulator::client::{self, Context, EventCallback, text};
use hcs_emulator::codes;
use hcs_emulator::wire::{self, Answer, Request};

/// Notifications' numbers.
const CREATE_COMPLETED: u32 = 2;
const START_COMPLETED: u32 = 3;
const PAUSE_COMPLETED: u32 = 4;
const RESUME_COMPLETED: u32 = 5;
const SAVE_COMPLETED: u32 = 8;
const SERVICE_DISCONNECT: u32 = 0x0100_0000;

/// The type, the context, the status and the data.
type OnNotification = unsafe extern "system" fn(u32, *const c_void, u32, Text);

/// `HCS_PROCESS_INFORMATION`.
#[repr(C)]
pub(crate) struct ProcessInformation {
    pid: u32,
    reserved: u32,
    streams: [u64; 3],
}

/// Asks for a new handle.
///
/// # Safety
///
/// `place` is a place.
unsafe fn open(mut request: Request, place: *mut u64) -> Answer {
    let Some(client) = client::client() else {
        return Answer { result: codes::SERVICE_NOT_AVAILABLE, ..Answer::default() };
    };
    let handle = client.handle();
    request.new_handle = handle;
    client.callbacks.add(handle);
    let answer = ask(request);
    if codes::failed(answer.result) {
        client.callbacks.remove(handle);
    } else {
        // SAFETY: as the caller promises.
        unsafe { *place = handle };
    }
    answer
}

/// What was asked goes on, and has succeeded once the notification comes.
fn pending(handle: u64, notification: u32) -> u32 {
    if let Some(client) = client::client() {
        let callbacks = Arc::clone(&client.callbacks);
        client.later(move || callbacks.tell(handle, notification, ""));
    }
    codes::PENDING
}

/// # Safety
///
/// Texts end with a zero; `system` is a place; `result` is null or one.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsCreateComputeSystem(
    id: Text,
    configuration: Text,
    _identity: *const c_void,
    system: *mut u64,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        let answer = open(request("HcsCreateComputeSystem", 0, &[id, configuration]), system);
        if codes::failed(give(&answer, std::ptr::null_mut(), result)) {
            return answer.result;
        }
        pending(*system, CREATE_COMPLETED)
    }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsOpenComputeSystem(
    id: Text,
    system: *mut u64,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        let answer = open(request("HcsOpenComputeSystem", 0, &[id]), system);
        give(&answer, std::ptr::null_mut(), result)
    }
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCloseComputeSystem(system: u64) -> u32 {
    if let Some(client) = client::client() {
        client.close(system);
    }
    codes::OK
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCloseProcess(process: u64) -> u32 {
    HcsCloseComputeSystem(process)
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsEnumerateComputeSystems(
    query: Text,
    systems: OutText,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { give(&ask(request("HcsEnumerateComputeSystems", 0, &[query])), systems, result) }
}

macro_rules! notified {
    ($($name:ident $notification:expr;)+) => {$(
        /// # Safety
        ///
        /// As above.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "system" fn $name(system: u64, _options: Text, result: OutText) -> u32 {
            let answer = ask(request(stringify!($name), system, &[]));
            // SAFETY: as the caller promises.
            if codes::failed(unsafe { give(&answer, std::ptr::null_mut(), result) }) {
                return answer.result;
            }
            pending(system, $notification)
        }
    )+};
}

notified! {
    HcsStartComputeSystem START_COMPLETED;
    HcsPauseComputeSystem PAUSE_COMPLETED;
    HcsResumeComputeSystem RESUME_COMPLETED;
    HcsSaveComputeSystem SAVE_COMPLETED;
}

/// Ends a system: its exit's notification is the completion.
fn end(call: &str, system: u64, result: OutText) -> u32 {
    let name = if call.starts_with("HcsShutdown") { "HcsShutDownComputeSystem" } else { call };
    let answer = ask(request(name, system, &[]));
    // SAFETY: both exports promise the place.
    let failed = codes::failed(unsafe { give(&answer, std::ptr::null_mut(), result) });
    if failed { answer.result } else { codes::PENDING }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsShutdownComputeSystem(
    system: u64,
    _options: Text,
    result: OutText,
) -> u32 {
    end("HcsShutdownComputeSystem", system, result)
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsTerminateComputeSystem(
    system: u64,
    _options: Text,
    result: OutText,
) -> u32 {
    end("HcsTerminateComputeSystem", system, result)
}

macro_rules! immediate {
    ($($name:ident($($text:ident),*);)+) => {$(
        /// # Safety
        ///
        /// As above.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "system" fn $name(handle: u64, $($text: Text,)* result: OutText) -> u32 {
            let answer = ask(request(stringify!($name), handle, &[$($text),*]));
            // SAFETY: as the caller promises.
            unsafe { give(&answer, std::ptr::null_mut(), result) }
        }
    )+};
}

immediate! {
    HcsModifyComputeSystem(configuration);
    HcsTerminateProcess();
    HcsSignalProcess(options);
    HcsModifyProcess(settings);
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetComputeSystemProperties(
    system: u64,
    query: Text,
    properties: OutText,
    result: OutText,
) -> u32 {
    let answer = ask(request("HcsGetComputeSystemProperties", system, &[query]));
    // SAFETY: as the caller promises.
    unsafe { give(&answer, properties, result) }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetProcessProperties(
    process: u64,
    properties: OutText,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { give(&ask(request("HcsGetProcessProperties", process, &[])), properties, result) }
}

/// # Safety
///
/// As above; `info` is a place.
unsafe fn inform(answer: &Answer, info: *mut ProcessInformation, result: OutText) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        if !codes::failed(answer.result) && !info.is_null() {
            *info = ProcessInformation { pid: answer.pid, reserved: 0, streams: answer.streams };
        }
        give(answer, std::ptr::null_mut(), result)
    }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsCreateProcess(
    system: u64,
    parameters: Text,
    info: *mut ProcessInformation,
    process: *mut u64,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        let answer = open(request("HcsCreateProcess", system, &[parameters]), process);
        inform(&answer, info, result)
    }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsOpenProcess(
    system: u64,
    pid: u32,
    process: *mut u64,
    result: OutText,
) -> u32 {
    let mut request = request("HcsOpenProcess", system, &[]);
    request.number = pid.into();
    // SAFETY: as the caller promises.
    unsafe { give(&open(request, process), std::ptr::null_mut(), result) }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetProcessInfo(
    process: u64,
    info: *mut ProcessInformation,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { inform(&ask(request("HcsGetProcessInfo", process, &[])), info, result) }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetServiceProperties(
    query: Text,
    properties: OutText,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { give(&ask(request("HcsGetServiceProperties", 0, &[query])), properties, result) }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsModifyServiceSettings(
    settings: Text,
    result: OutText,
) -> u32 {
    let answer = ask(request("HcsModifyServiceSettings", 0, &[settings]));
    // SAFETY: as the caller promises.
    unsafe { give(&answer, std::ptr::null_mut(), result) }
}

/// The older number of an event.
fn number(kind: u32) -> u32 {
    if kind == wire::SERVICE_DISCONNECT { SERVICE_DISCONNECT } else { kind }
}

/// # Safety
///
/// `place` is a place.
unsafe fn register(
    handle: u64,
    callback: OnNotification,
    context: *const c_void,
    place: *mut u64,
) -> u32 {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    let context = Context(context);
    let tell = move |kind: u32, data: &str| {
        let mut given = std::ptr::null_mut();
        // SAFETY: whoever registered it promises that it is good until it is unregistered, and that
        // it frees the data: here, unlike with the newer interface, they are given away.
        unsafe {
            text::give(&raw mut given, data);
            callback(number(kind), context.get(), codes::OK, given);
        }
    };
    // SAFETY: as the caller promises.
    unsafe { *place = handle };
    for (kind, data) in client.callbacks.set(handle, Some(Arc::new(tell) as EventCallback)) {
        let callbacks = Arc::clone(&client.callbacks);
        client.later(move || callbacks.tell(handle, kind, &data));
    }
    codes::OK
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsRegisterComputeSystemCallback(
    system: u64,
    callback: OnNotification,
    context: *const c_void,
    place: *mut u64,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { register(system, callback, context, place) }
}

/// # Safety
///
/// As above.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsRegisterProcessCallback(
    process: u64,
    callback: OnNotification,
    context: *const c_void,
    place: *mut u64,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { register(process, callback, context, place) }
}

/// No callback runs once this has returned.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsUnregisterComputeSystemCallback(callback: u64) -> u32 {
    if let Some(client) = client::client() {
        client.callbacks.silence(callback);
    }
    codes::OK
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsUnregisterProcessCallback(callback: u64) -> u32 {
    HcsUnregisterComputeSystemCallback(callback)
}
