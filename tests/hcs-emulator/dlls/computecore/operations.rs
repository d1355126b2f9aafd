//! Operations: what a call's completion is waited for, asked and told through.

#![expect(unsafe_code, reason = "exports called from C")]

use std::ffi::c_void;
use std::time::Duration;

use hcs_emulator::client::operation::{self, Completed};
use hcs_emulator::client::{Context, text};
use hcs_emulator::codes;
use hcs_emulator::wire::Answer;

use super::Result;

/// `HCS_PROCESS_INFORMATION`.
#[repr(C)]
pub(crate) struct ProcessInformation {
    pid: u32,
    reserved: u32,
    streams: [u64; 3],
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCreateOperation(
    context: *const c_void,
    callback: Option<Completed>,
) -> u64 {
    operation::create(callback, Context(context))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCloseOperation(operation: u64) {
    operation::close(operation);
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCancelOperation(_operation: u64) -> Result {
    codes::OK
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsSetOperationCallback(
    operation: u64,
    context: *const c_void,
    callback: Option<Completed>,
) -> Result {
    operation::set_callback(operation, callback, Context(context))
}

fn limit(milliseconds: u32) -> Option<Duration> {
    (milliseconds != u32::MAX).then(|| Duration::from_millis(milliseconds.into()))
}

unsafe fn hand_over(
    answer: std::result::Result<Answer, u32>,
    info: *mut ProcessInformation,
    document: *mut *mut u16,
) -> Result {
    let answer = match answer {
        Ok(answer) => answer,
        Err(result) => {
            // SAFETY: as the caller promises.
            unsafe { text::give(document, "") };
            return result;
        }
    };
    // SAFETY: as the caller promises.
    unsafe {
        text::give(document, &answer.document);
        if !info.is_null() && !codes::failed(answer.result) {
            *info = ProcessInformation { pid: answer.pid, reserved: 0, streams: answer.streams };
        }
    }
    answer.result
}

/// # Safety
///
/// `document` is null or a place for a string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsWaitForOperationResult(
    operation: u64,
    milliseconds: u32,
    document: *mut *mut u16,
) -> Result {
    let found = operation::find(operation).ok_or(codes::INVALID_HANDLE);
    // SAFETY: as the caller promises.
    unsafe {
        hand_over(found.and_then(|o| o.wait(limit(milliseconds))), std::ptr::null_mut(), document)
    }
}

/// # Safety
///
/// `info` and `document` are null or places.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsWaitForOperationResultAndProcessInfo(
    operation: u64,
    milliseconds: u32,
    info: *mut ProcessInformation,
    document: *mut *mut u16,
) -> Result {
    let found = operation::find(operation).ok_or(codes::INVALID_HANDLE);
    // SAFETY: as the caller promises.
    unsafe { hand_over(found.and_then(|o| o.wait(limit(milliseconds))), info, document) }
}

/// # Safety
///
/// `document` is null or a place for a string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetOperationResult(
    operation: u64,
    document: *mut *mut u16,
) -> Result {
    let found = operation::find(operation).ok_or(codes::INVALID_HANDLE);
    // SAFETY: as the caller promises.
    unsafe { hand_over(found.and_then(|o| o.result()), std::ptr::null_mut(), document) }
}

/// # Safety
///
/// `info` and `document` are null or places.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetOperationResultAndProcessInfo(
    operation: u64,
    info: *mut ProcessInformation,
    document: *mut *mut u16,
) -> Result {
    let found = operation::find(operation).ok_or(codes::INVALID_HANDLE);
    // SAFETY: as the caller promises.
    unsafe { hand_over(found.and_then(|o| o.result()), info, document) }
}

/// Who is told and of what is told there: the notifications are those of the system's callback.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCreateOperationWithNotifications(
    _events: u32,
    context: *const c_void,
    callback: Option<Completed>,
) -> u64 {
    operation::create(callback, Context(context))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGetOperationContext(operation: u64) -> *const c_void {
    operation::find(operation).map_or(std::ptr::null(), |operation| operation.context().get())
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsSetOperationContext(
    operation: u64,
    context: *const c_void,
) -> Result {
    let Some(operation) = operation::find(operation) else { return codes::INVALID_HANDLE };
    operation.set_context(Context(context));
    codes::OK
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGetOperationId(operation: u64) -> u64 {
    operation
}

/// `HCS_OPERATION_TYPE`; -1 is none.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGetOperationType(operation: u64) -> i32 {
    const CALLS: [&str; 16] = [
        "HcsEnumerateComputeSystems",
        "HcsCreateComputeSystem",
        "HcsStartComputeSystem",
        "HcsShutDownComputeSystem",
        "HcsPauseComputeSystem",
        "HcsResumeComputeSystem",
        "HcsSaveComputeSystem",
        "HcsTerminateComputeSystem",
        "HcsModifyComputeSystem",
        "HcsGetComputeSystemProperties",
        "HcsCreateProcess",
        "HcsSignalProcess",
        "HcsGetProcessInfo",
        "HcsGetProcessProperties",
        "HcsModifyProcess",
        "HcsCrashComputeSystem",
    ];
    let call = operation::find(operation).map(|operation| operation.call());
    let place = CALLS.iter().position(|name| call.as_deref() == Some(*name));
    place.and_then(|place| i32::try_from(place).ok()).unwrap_or(-1)
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGetComputeSystemFromOperation(operation: u64) -> u64 {
    of_operation(operation, false)
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGetProcessFromOperation(operation: u64) -> u64 {
    of_operation(operation, true)
}

/// The handle that an operation is about.
fn of_operation(operation: u64, wants_process: bool) -> u64 {
    let Some(operation) = operation::find(operation) else { return 0 };
    if operation.call().contains("Process") == wants_process { operation.handle() } else { 0 }
}

/// # Safety
///
/// `document` is null or a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetOperationProperties(
    _operation: u64,
    _options: *const u16,
    document: *mut *mut u16,
) -> Result {
    // SAFETY: as the caller promises.
    unsafe { text::give(document, "") };
    codes::NOT_SUPPORTED
}

/// Resources are for machines that move.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsAddResourceToOperation(
    _operation: u64,
    _kind: u32,
    _uri: *const u16,
    _handle: *mut c_void,
) -> Result {
    codes::NOT_SUPPORTED
}
