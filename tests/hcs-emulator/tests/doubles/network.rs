//! `computenetwork.dll`: a namespace with an endpoint, and who is told of it.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hcs_emulator::client::text;
use hcs_emulator::codes;
use uuid::Uuid;
use windows_sys::core::GUID;

use crate::dll::{Text, call, take};

type OnNotification = unsafe extern "system" fn(u32, *const c_void, u32, Text);

static HEARD: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());

unsafe extern "system" fn hear(kind: u32, _context: *const c_void, status: u32, data: Text) {
    assert_eq!(status, 0);
    // SAFETY: the data ends with a zero.
    let data = unsafe { text::read(data) };
    HEARD.lock().expect("no test panics while it holds this").push((kind, data));
}

/// A name that no other test has.
fn fresh() -> Uuid {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let name = format!("{now:?}-{}", std::process::id());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

fn guid(id: Uuid) -> GUID {
    let (data1, data2, data3, data4) = id.as_fields();
    GUID { data1, data2, data3, data4: *data4 }
}

/// What was told of it so far; others' events are none of its business.
fn told_of(id: Uuid) -> Vec<u32> {
    let own = format!(r#"{{"ID":"{id}"}}"#);
    let heard = HEARD.lock().expect("as above");
    heard.iter().filter(|(_, data)| *data == own).map(|(kind, _)| *kind).collect()
}

fn await_kind(id: Uuid, kind: u32) {
    let begun = Instant::now();
    loop {
        if told_of(id).contains(&kind) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no notification {kind}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_namespace_is_made_told_of_queried_and_removed() {
    let name = fresh();
    let id = guid(name);
    let (mut namespace, mut watcher) = (0u64, 0u64);
    let mut result: *mut u16 = null_mut();
    let registered = call!("computenetwork.dll", c"HcnRegisterServiceCallback"(
        hear as OnNotification => OnNotification, null_mut::<c_void>() => *mut c_void,
        &raw mut watcher => *mut u64));
    assert_eq!(registered, codes::OK);
    let settings = text::wide(r#"{"SchemaVersion":{"Major":2,"Minor":0}}"#);
    let made = call!("computenetwork.dll", c"HcnCreateNamespace"(&raw const id => *const GUID,
        settings.as_ptr() => Text, &raw mut namespace => *mut u64, &raw mut result => *mut *mut u16));
    assert_eq!((made, result.is_null()), (codes::OK, true));
    await_kind(name, 5);
    assert_eq!(told_of(name), [5], "it is told of once, and not of its end");
    let mut properties: *mut u16 = null_mut();
    let told = call!("computenetwork.dll", c"HcnQueryNamespaceProperties"(namespace => u64,
        settings.as_ptr() => Text, &raw mut properties => *mut *mut u16,
        &raw mut result => *mut *mut u16));
    assert_eq!(told, codes::OK);
    let told = take(properties);
    assert!(told.contains("\"Resources\":[]"), "{told}");
    let misspelt = text::wide(r#"{"ResourceType":"Endpoint","RequestKind":"Add"}"#);
    let refused = call!("computenetwork.dll", c"HcnModifyNamespace"(namespace => u64,
        misspelt.as_ptr() => Text, &raw mut result => *mut *mut u16));
    assert_eq!(refused, codes::NETWORK_INVALID_JSON);
    let why = take(result);
    assert!(why.contains("Unknown field `RequestKind`"), "{why}");
    let gone = call!("computenetwork.dll", c"HcnDeleteNamespace"(&raw const id => *const GUID,
        &raw mut result => *mut *mut u16));
    assert_eq!(gone, codes::OK);
    await_kind(name, 6);
    assert_eq!(told_of(name), [5, 6]);
    call!("computenetwork.dll", c"HcnCloseNamespace"(namespace => u64));
    call!("computenetwork.dll", c"HcnUnregisterServiceCallback"(watcher => u64));
}

#[test]
fn the_older_interface_answers_with_success_or_words() {
    let (method, path, body) = (text::wide("GET"), text::wide("/globals/version"), text::wide(""));
    let mut response: *mut u16 = null_mut();
    let asked = call!("vmcompute.dll", c"HNSCall"(method.as_ptr() => Text, path.as_ptr() => Text,
        body.as_ptr() => Text, &raw mut response => *mut *mut u16));
    assert_eq!(asked, codes::OK);
    let told = take(response);
    assert!(told.contains("\"Success\":true") && told.contains("Major"), "{told}");
}
