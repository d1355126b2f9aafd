//! `computenetwork.dll`'s functions for namespaces, and what it tells of endpoints.
//!
//! A result text that is not empty is an error even when the code is none.

use std::ffi::{CStr, c_void};

use uuid::Uuid;
use windows_sys::core::GUID;

use super::super::codes::{self, Refusal};
use super::super::library::{Library, function};
use super::super::text::{take, wide};
use crate::error::ErrorKind;

static NETWORK: Library = Library::new("computenetwork.dll");

type Open = unsafe extern "system" fn(*const GUID, *mut *mut c_void, *mut *mut u16) -> i32;
type Query =
    unsafe extern "system" fn(*mut c_void, *const u16, *mut *mut u16, *mut *mut u16) -> i32;
type Close = unsafe extern "system" fn(*mut c_void) -> i32;

/// What a handle is of, by the names of its functions.
struct Kind {
    open: &'static CStr,
    query: &'static CStr,
    close: &'static CStr,
}

static NAMESPACE: Kind = Kind {
    open: c"HcnOpenNamespace",
    query: c"HcnQueryNamespaceProperties",
    close: c"HcnCloseNamespace",
};
static ENDPOINT: Kind = Kind {
    open: c"HcnOpenEndpoint",
    query: c"HcnQueryEndpointProperties",
    close: c"HcnCloseEndpoint",
};

/// A handle, or the place for one; closed once.
struct Handle {
    raw: *mut c_void,
    kind: &'static Kind,
}

impl Handle {
    fn none(kind: &'static Kind) -> Self {
        Self { raw: std::ptr::null_mut(), kind }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.raw.is_null() {
            return;
        }
        let close = || -> Result<(), ErrorKind> {
            let close = function!(NETWORK, self.kind.close, Close);
            // SAFETY: the handle is open.
            unsafe { close(self.raw) };
            Ok(())
        };
        // The library was there when the handle was made.
        let _ = close();
    }
}

fn native(id: Uuid) -> GUID {
    let (data1, data2, data3, data4) = id.as_fields();
    GUID { data1, data2, data3, data4: *data4 }
}

/// # Safety
///
/// `document` is null or the caller's to free.
unsafe fn check(call: &'static str, result: i32, document: *mut u16) -> Result<(), ErrorKind> {
    // SAFETY: as the caller promises.
    let document = unsafe { take(document) };
    let result = result.cast_unsigned();
    if codes::failed(result) {
        return Err(Refusal::new(call, result, document).into());
    }
    if !document.is_empty() {
        return Err(ErrorKind::io(call, std::io::Error::other(document)));
    }
    Ok(())
}

pub(super) fn create_namespace(id: Uuid, settings: &str) -> Result<(), ErrorKind> {
    type Create =
        unsafe extern "system" fn(*const GUID, *const u16, *mut *mut c_void, *mut *mut u16) -> i32;
    let call = function!(NETWORK, c"HcnCreateNamespace" as Create);
    let (id, settings) = (native(id), wide(settings));
    let (mut handle, mut document) = (Handle::none(&NAMESPACE), std::ptr::null_mut());
    // SAFETY: the pointers are good for the call; what comes back is ours.
    unsafe {
        let result = call(&raw const id, settings.as_ptr(), &raw mut handle.raw, &raw mut document);
        check("HcnCreateNamespace", result, document)
    }
}

fn open(kind: &'static Kind, id: Uuid) -> Result<Handle, ErrorKind> {
    let call = function!(NETWORK, kind.open, Open);
    let id = native(id);
    let (mut handle, mut document) = (Handle::none(kind), std::ptr::null_mut());
    // SAFETY: as above.
    unsafe {
        let result = call(&raw const id, &raw mut handle.raw, &raw mut document);
        check(named(kind.open), result, document)?;
    }
    Ok(handle)
}

fn query(kind: &'static Kind, id: Uuid) -> Result<String, ErrorKind> {
    let call = function!(NETWORK, kind.query, Query);
    let (handle, query) = (open(kind, id)?, wide(r#"{"SchemaVersion":{"Major":2,"Minor":0}}"#));
    let (mut properties, mut document) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: as above.
    unsafe {
        let result = call(handle.raw, query.as_ptr(), &raw mut properties, &raw mut document);
        let properties = take(properties);
        check(named(kind.query), result, document)?;
        Ok(properties)
    }
}

fn named(function: &'static CStr) -> &'static str {
    function.to_str().expect("a function's name is ASCII")
}

pub(super) fn query_namespace(id: Uuid) -> Result<String, ErrorKind> {
    query(&NAMESPACE, id)
}

pub(super) fn query_endpoint(id: Uuid) -> Result<String, ErrorKind> {
    query(&ENDPOINT, id)
}

pub(super) fn modify_namespace(id: Uuid, request: &str) -> Result<(), ErrorKind> {
    type Modify = unsafe extern "system" fn(*mut c_void, *const u16, *mut *mut u16) -> i32;
    let call = function!(NETWORK, c"HcnModifyNamespace" as Modify);
    let (handle, request) = (open(&NAMESPACE, id)?, wide(request));
    let mut document = std::ptr::null_mut();
    // SAFETY: as above.
    unsafe {
        let result = call(handle.raw, request.as_ptr(), &raw mut document);
        check("HcnModifyNamespace", result, document)
    }
}

pub(super) fn delete_namespace(id: Uuid) -> Result<(), ErrorKind> {
    type Delete = unsafe extern "system" fn(*const GUID, *mut *mut u16) -> i32;
    let call = function!(NETWORK, c"HcnDeleteNamespace" as Delete);
    let id = native(id);
    let mut document = std::ptr::null_mut();
    // SAFETY: as above.
    unsafe {
        let result = call(&raw const id, &raw mut document);
        check("HcnDeleteNamespace", result, document)
    }
}

pub(super) fn namespaces() -> Result<Vec<String>, ErrorKind> {
    type Enumerate = unsafe extern "system" fn(*const u16, *mut *mut u16, *mut *mut u16) -> i32;
    let call = function!(NETWORK, c"HcnEnumerateNamespaces" as Enumerate);
    let query = wide(r#"{"SchemaVersion":{"Major":2,"Minor":0}}"#);
    let (mut list, mut document) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: as above.
    let list = unsafe {
        let result = call(query.as_ptr(), &raw mut list, &raw mut document);
        let list = take(list);
        check("HcnEnumerateNamespaces", result, document)?;
        list
    };
    serde_json::from_str(if list.is_empty() { "[]" } else { &list })
        .map_err(|error| ErrorKind::io("read the namespaces", std::io::Error::other(error)))
}
