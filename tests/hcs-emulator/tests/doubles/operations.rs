//! `computecore.dll`'s operations, waited for as Microsoft's newer shims wait.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::ptr::{null, null_mut};

use hcs_emulator::client::text;
use hcs_emulator::codes;

use crate::dll::{Text, call, find, take};

/// Makes an operation whose context is `context`.
fn operation(context: usize) -> u64 {
    let create = find("computecore.dll", c"HcsCreateOperation");
    // SAFETY: it takes a context and a callback, and gives a handle.
    unsafe {
        std::mem::transmute::<
            unsafe extern "system" fn() -> isize,
            unsafe extern "system" fn(usize, usize) -> u64,
        >(create)(context, 0)
    }
}

/// Waits for it, and gives its result and its document.
fn wait(operation: u64) -> (u32, String) {
    let mut document: *mut u16 = null_mut();
    let result = call!("computecore.dll", c"HcsWaitForOperationResult"(operation => u64,
        60_000 => u32, &raw mut document => *mut *mut u16));
    call!("computecore.dll", c"HcsCloseOperation"(operation => u64));
    (result, take(document))
}

#[test]
fn an_operation_is_waited_for_and_knows_what_it_is_about() {
    let id = text::wide(&format!("operation-{}", std::process::id()));
    let document = text::wide(
        r#"{"Owner":"test","SchemaVersion":{"Major":2,"Minor":1},"Container":{},
            "ShouldTerminateOnLastHandleClosed":true}"#,
    );
    let create = operation(7);
    let mut system = 0u64;
    let submitted = call!("computecore.dll", c"HcsCreateComputeSystem"(id.as_ptr() => Text,
        document.as_ptr() => Text, create => u64, null() => *const u8,
        &raw mut system => *mut u64));
    assert_eq!(submitted, codes::OK);
    let about = find("computecore.dll", c"HcsGetComputeSystemFromOperation");
    // SAFETY: it takes an operation and gives a handle.
    let about = unsafe {
        std::mem::transmute::<
            unsafe extern "system" fn() -> isize,
            unsafe extern "system" fn(u64) -> u64,
        >(about)(create)
    };
    assert_eq!(about, system);
    assert_eq!(call!("computecore.dll", c"HcsGetOperationType"(create => u64)), 1, "create");
    assert_eq!(wait(create), (codes::OK, String::new()));

    let empty = text::wide("");
    let start = operation(0);
    call!("computecore.dll", c"HcsStartComputeSystem"(system => u64, start => u64,
        empty.as_ptr() => Text));
    assert_eq!(wait(start).0, codes::OK);
    let mut told: *mut u16 = null_mut();
    let early = call!("computecore.dll", c"HcsWaitForComputeSystemExit"(system => u64, 50 => u32,
        &raw mut told => *mut *mut u16));
    assert_eq!(early, codes::OPERATION_TIMEOUT);
    take(told);
    let end = operation(0);
    call!("computecore.dll", c"HcsTerminateComputeSystem"(system => u64, end => u64,
        empty.as_ptr() => Text));
    let ended = call!("computecore.dll", c"HcsWaitForComputeSystemExit"(system => u64,
        60_000 => u32, &raw mut told => *mut *mut u16));
    assert_eq!((ended, take(told).contains("ForcedExit")), (codes::OK, true));
    assert_eq!(wait(end).0, codes::OK);
    call!("computecore.dll", c"HcsCloseComputeSystem"(system => u64));
}

#[test]
fn the_service_tells_its_processors_and_the_schemas_that_it_knows() {
    for (asked, told) in [("ProcessorTopology", "LogicalProcessorCount"), ("Basic", "Major")] {
        let query = text::wide(&format!(r#"{{"PropertyTypes":["{asked}"]}}"#));
        let mut answer: *mut u16 = null_mut();
        let result = call!("computecore.dll", c"HcsGetServiceProperties"(query.as_ptr() => Text,
            &raw mut answer => *mut *mut u16));
        let answer = take(answer);
        assert_eq!(result, codes::OK, "{asked}: {answer}");
        assert!(answer.contains(told), "{answer}");
    }
}
