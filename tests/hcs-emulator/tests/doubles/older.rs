//! `vmcompute.dll`'s older interface, driven as a shim of that time drives it: a call is pending, and
//! a notification completes it.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::ffi::c_void;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hcs_emulator::client::text;
use hcs_emulator::codes;

use crate::dll::{Text, call, take};

type OnNotification = unsafe extern "system" fn(u32, *const c_void, u32, Text);

/// What was notified: the context, the type and the data.
static HEARD: Mutex<Vec<(usize, u32, String)>> = Mutex::new(Vec::new());

unsafe extern "system" fn hear(kind: u32, context: *const c_void, status: u32, data: Text) {
    assert_eq!(status, 0);
    // Whoever is notified frees it, and a shim does.
    let data = take(data.cast_mut());
    HEARD.lock().expect("no test panics while it holds this").push((context.addr(), kind, data));
}

/// Waits for a notification of a type.
fn await_kind(context: usize, kind: u32) -> String {
    let begun = Instant::now();
    loop {
        let heard = HEARD.lock().expect("as above");
        let found = heard.iter().find(|heard| heard.0 == context && heard.1 == kind);
        if let Some((_, _, data)) = found {
            return data.clone();
        }
        drop(heard);
        assert!(begun.elapsed() < Duration::from_mins(1), "no notification {kind:#x}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[repr(C)]
#[derive(Default)]
struct ProcessInformation {
    pid: u32,
    reserved: u32,
    streams: [u64; 3],
}

#[test]
fn a_container_lives_by_pending_calls_and_notifications() {
    let id = text::wide(&format!("older-{}", std::process::id()));
    let document =
        text::wide(r#"{"SystemType":"Container","Name":"older","Owner":"test","Layers":[]}"#);
    let (mut system, mut registered) = (0u64, 0u64);
    let mut result: *mut u16 = std::ptr::null_mut();
    let created = call!("vmcompute.dll", c"HcsCreateComputeSystem"(id.as_ptr() => Text, document.as_ptr() => Text,
        0 => usize, &raw mut system => *mut u64, &raw mut result => *mut *mut u16));
    assert_eq!((created, result.is_null()), (codes::PENDING, true));
    let context = 7usize;
    call!("vmcompute.dll", c"HcsRegisterComputeSystemCallback"(system => u64, hear as OnNotification => OnNotification,
        context => usize, &raw mut registered => *mut u64));
    await_kind(context, 2);
    let empty = text::wide("");
    let started = call!("vmcompute.dll", c"HcsStartComputeSystem"(system => u64, empty.as_ptr() => Text,
        &raw mut result => *mut *mut u16));
    assert_eq!(started, codes::PENDING);
    await_kind(context, 3);
    let again = call!("vmcompute.dll", c"HcsStartComputeSystem"(system => u64, empty.as_ptr() => Text,
        &raw mut result => *mut *mut u16));
    assert_eq!((again, result.is_null()), (codes::INVALID_STATE, false));

    let line = text::wide(r#"{"CommandLine":"C:\\windows\\system32\\hcs-probe.exe exit 300"}"#);
    let (mut process, mut info) = (0u64, ProcessInformation::default());
    let made = call!("vmcompute.dll", c"HcsCreateProcess"(system => u64, line.as_ptr() => Text,
        &raw mut info => *mut ProcessInformation, &raw mut process => *mut u64,
        &raw mut result => *mut *mut u16));
    assert_eq!((made, info.pid != 0, info.streams), (codes::OK, true, [0; 3]));
    call!("vmcompute.dll", c"HcsRegisterProcessCallback"(process => u64, hear as OnNotification => OnNotification,
        8usize => usize, &raw mut registered => *mut u64));
    await_kind(8, 0x0001_0000);
    let mut told: *mut u16 = std::ptr::null_mut();
    call!("vmcompute.dll", c"HcsGetProcessProperties"(process => u64, &raw mut told => *mut *mut u16,
        &raw mut result => *mut *mut u16));
    // SAFETY: the text ends with a zero; the test may leak it.
    let status = unsafe { text::read(told) };
    assert!(status.contains("\"ExitCode\":300"), "{status}");
    call!("vmcompute.dll", c"HcsUnregisterProcessCallback"(registered => u64));
    call!("vmcompute.dll", c"HcsCloseProcess"(process => u64));

    let ended = call!("vmcompute.dll", c"HcsTerminateComputeSystem"(system => u64, empty.as_ptr() => Text,
        &raw mut result => *mut *mut u16));
    assert_eq!(ended, codes::PENDING);
    assert!(await_kind(context, 1).contains("ForcedExit"));
    call!("vmcompute.dll", c"HcsUnregisterComputeSystemCallback"(system => u64));
    call!("vmcompute.dll", c"HcsCloseComputeSystem"(system => u64));
}

/// As a shim does that is half-way from one interface to the other.
#[test]
fn a_handle_of_the_older_interface_is_one_of_the_newer_too() {
    let id = text::wide(&format!("both-{}", std::process::id()));
    let document = text::wide(r#"{"SystemType":"Container","Name":"both","Owner":"test"}"#);
    let (mut system, mut registered) = (0u64, 0u64);
    let mut result: *mut u16 = std::ptr::null_mut();
    let created = call!("vmcompute.dll", c"HcsCreateComputeSystem"(id.as_ptr() => Text, document.as_ptr() => Text,
        0 => usize, &raw mut system => *mut u64, &raw mut result => *mut *mut u16));
    assert_eq!(created, codes::PENDING);
    let context = 9usize;
    call!("vmcompute.dll", c"HcsRegisterComputeSystemCallback"(system => u64, hear as OnNotification => OnNotification,
        context => usize, &raw mut registered => *mut u64));
    await_kind(context, 2);
    let empty = text::wide("");
    let forever = u32::MAX;
    let name = c"HcsCreateOperation";
    let make = crate::dll::find("computecore.dll", name);
    // SAFETY: these are the function's arguments, and its result is a handle.
    let operation = unsafe {
        std::mem::transmute::<
            unsafe extern "system" fn() -> isize,
            unsafe extern "system" fn(usize, usize) -> u64,
        >(make)(0, 0)
    };
    let started = call!("computecore.dll", c"HcsStartComputeSystem"(system => u64, operation => u64,
        empty.as_ptr() => Text));
    assert_eq!(started, codes::OK);
    let waited = call!("computecore.dll", c"HcsWaitForOperationResult"(operation => u64, forever => u32,
        &raw mut result => *mut *mut u16));
    assert_eq!((waited, take(result)), (codes::OK, String::new()));
    call!("computecore.dll", c"HcsCloseOperation"(operation => u64));
    let again = call!("vmcompute.dll", c"HcsStartComputeSystem"(system => u64, empty.as_ptr() => Text,
        &raw mut result => *mut *mut u16));
    assert_eq!(again, codes::INVALID_STATE, "it runs");
    take(result);
    let ended = call!("vmcompute.dll", c"HcsTerminateComputeSystem"(system => u64, empty.as_ptr() => Text,
        &raw mut result => *mut *mut u16));
    assert_eq!(ended, codes::PENDING);
    await_kind(context, 1);
    call!("vmcompute.dll", c"HcsUnregisterComputeSystemCallback"(registered => u64));
    call!("vmcompute.dll", c"HcsCloseComputeSystem"(system => u64));
}

#[test]
fn a_document_that_is_not_understood_is_refused_at_once_with_the_reason() {
    let id = text::wide("older-wrong");
    let document = text::wide(r#"{"SystemType":"Container","Colour":"blue"}"#);
    let mut system = 0u64;
    let mut result: *mut u16 = std::ptr::null_mut();
    let refused = call!("vmcompute.dll", c"HcsCreateComputeSystem"(id.as_ptr() => Text, document.as_ptr() => Text,
        0 => usize, &raw mut system => *mut u64, &raw mut result => *mut *mut u16));
    assert_eq!(refused, codes::INVALID_JSON);
    // SAFETY: as above.
    let told = unsafe { text::read(result) };
    assert!(told.contains("Unknown field `Colour`"), "{told}");
}
