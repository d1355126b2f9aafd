//! `computenetwork.dll`'s functions for networks, namespaces and endpoints.
//!
//! A result text that is not empty is an error even when the code is none.

use std::ffi::{CStr, c_void};

use serde_json::json;
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

static NETWORKS: Kind = Kind {
    open: c"HcnOpenNetwork",
    query: c"HcnQueryNetworkProperties",
    close: c"HcnCloseNetwork",
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

fn create(
    function: &'static CStr,
    kind: &'static Kind,
    id: Uuid,
    settings: &str,
) -> Result<(), ErrorKind> {
    type Create =
        unsafe extern "system" fn(*const GUID, *const u16, *mut *mut c_void, *mut *mut u16) -> i32;
    let call = function!(NETWORK, function, Create);
    let (id, settings) = (native(id), wide(settings));
    let (mut handle, mut document) = (Handle::none(kind), std::ptr::null_mut());
    // SAFETY: the pointers are good for the call; what comes back is ours.
    unsafe {
        let result = call(&raw const id, settings.as_ptr(), &raw mut handle.raw, &raw mut document);
        check(named(function), result, document)
    }
}

pub(super) fn create_namespace(id: Uuid, settings: &str) -> Result<(), ErrorKind> {
    create(c"HcnCreateNamespace", &NAMESPACE, id, settings)
}

pub(super) fn create_network(id: Uuid, settings: &str) -> Result<(), ErrorKind> {
    create(c"HcnCreateNetwork", &NETWORKS, id, settings)
}

/// Makes an endpoint of a network.
pub(super) fn create_endpoint(network: Uuid, id: Uuid, settings: &str) -> Result<(), ErrorKind> {
    type Create = unsafe extern "system" fn(
        *mut c_void,
        *const GUID,
        *const u16,
        *mut *mut c_void,
        *mut *mut u16,
    ) -> i32;
    let call = function!(NETWORK, c"HcnCreateEndpoint" as Create);
    let (network, id, settings) = (open(&NETWORKS, network)?, native(id), wide(settings));
    let (mut handle, mut document) = (Handle::none(&ENDPOINT), std::ptr::null_mut());
    // SAFETY: as above.
    unsafe {
        let (id, text) = (&raw const id, settings.as_ptr());
        let result = call(network.raw, id, text, &raw mut handle.raw, &raw mut document);
        check("HcnCreateEndpoint", result, document)
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

pub(super) fn query_network(id: Uuid) -> Result<String, ErrorKind> {
    query(&NETWORKS, id)
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

fn delete(function: &'static CStr, id: Uuid) -> Result<(), ErrorKind> {
    type Delete = unsafe extern "system" fn(*const GUID, *mut *mut u16) -> i32;
    let call = function!(NETWORK, function, Delete);
    let id = native(id);
    let mut document = std::ptr::null_mut();
    // SAFETY: as above.
    unsafe {
        let result = call(&raw const id, &raw mut document);
        check(named(function), result, document)
    }
}

pub(super) fn delete_namespace(id: Uuid) -> Result<(), ErrorKind> {
    delete(c"HcnDeleteNamespace", id)
}

pub(super) fn delete_endpoint(id: Uuid) -> Result<(), ErrorKind> {
    delete(c"HcnDeleteEndpoint", id)
}

/// The ids of all that a filter fits; an empty one fits all.
fn enumerate(function: &'static CStr, filter: &str) -> Result<Vec<String>, ErrorKind> {
    type Enumerate = unsafe extern "system" fn(*const u16, *mut *mut u16, *mut *mut u16) -> i32;
    let call = function!(NETWORK, function, Enumerate);
    let mut query = json!({ "SchemaVersion": { "Major": 2, "Minor": 0 } });
    if !filter.is_empty() {
        query["Filter"] = json!(filter);
    }
    let query = wide(query.to_string());
    let (mut list, mut document) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: as above.
    let list = unsafe {
        let result = call(query.as_ptr(), &raw mut list, &raw mut document);
        let list = take(list);
        check(named(function), result, document)?;
        list
    };
    serde_json::from_str(if list.is_empty() { "[]" } else { &list })
        .map_err(|error| ErrorKind::io("read what there is", std::io::Error::other(error)))
}

pub(super) fn namespaces() -> Result<Vec<String>, ErrorKind> {
    enumerate(c"HcnEnumerateNamespaces", "")
}

pub(super) fn networks() -> Result<Vec<String>, ErrorKind> {
    enumerate(c"HcnEnumerateNetworks", "")
}

/// The endpoints of a name.
pub(super) fn endpoints_named(name: &str) -> Result<Vec<String>, ErrorKind> {
    enumerate(c"HcnEnumerateEndpoints", &json!({ "Name": name }).to_string())
}
