//! `computenetwork.dll`, the test double: networks, endpoints, namespaces, load balancers, routes.
//!
//! Calls are synchronous. What is wrong is told by the code, and by a document in the result.

#![cfg(windows)]
#![expect(unsafe_code, reason = "exports called from C")]
#![expect(missing_docs, reason = "Windows documents them")]

use std::ffi::c_void;
use std::sync::Arc;

use hcs_emulator::client::export::{OutText, Text, ask, give, request};
use hcs_emulator::client::{self, Context, EventCallback, text};
use hcs_emulator::codes;
use hcs_emulator::wire::{self, Request};
use uuid::Uuid;
use windows_sys::core::GUID;

/// The type, the context, the status and the data.
type OnNotification = unsafe extern "system" fn(u32, *const c_void, u32, Text);

/// With an id before its texts.
///
/// # Safety
///
/// `id` is null or a GUID.
unsafe fn with_id(call: &str, handle: u64, id: *const GUID, texts: &[Text]) -> Request {
    let mut request = request(call, handle, texts);
    // SAFETY: as the caller promises.
    let id = unsafe { id.as_ref() }
        .map_or(Uuid::nil(), |id| Uuid::from_fields(id.data1, id.data2, id.data3, &id.data4));
    request.texts.insert(0, id.to_string());
    request
}

/// Asks for a new handle; it is only for what has been made or found.
///
/// # Safety
///
/// `place` and `result` are null or places.
unsafe fn open(mut request: Request, place: *mut u64, result: OutText) -> u32 {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    request.new_handle = client.handle();
    let handle = request.new_handle;
    let answer = ask(request);
    if !codes::failed(answer.result) {
        if place.is_null() {
            client.close(handle);
        } else {
            // SAFETY: as the caller promises.
            unsafe { *place = handle };
        }
    }
    // SAFETY: as the caller promises.
    unsafe { give(&answer, std::ptr::null_mut(), result) }
}

macro_rules! things {
    ($($enumerate:ident $open:ident $modify:ident $query:ident $delete:ident $close:ident)+) => {$(
        /// # Safety
        ///
        /// Texts end with a zero; `found` and `result` are null or places.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $enumerate(query: Text, found: OutText, result: OutText) -> u32 {
            // SAFETY: as the caller promises.
            unsafe { give(&ask(request(stringify!($enumerate), 0, &[query])), found, result) }
        }

        /// # Safety
        ///
        /// `id` is a GUID; `place` and `result` are null or places.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $open(id: *const GUID, place: *mut u64, result: OutText) -> u32 {
            // SAFETY: as the caller promises.
            unsafe { open(with_id(stringify!($open), 0, id, &[]), place, result) }
        }

        /// # Safety
        ///
        /// As for enumerating.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $modify(thing: u64, settings: Text, result: OutText) -> u32 {
            let answer = ask(request(stringify!($modify), thing, &[settings]));
            // SAFETY: as the caller promises.
            unsafe { give(&answer, std::ptr::null_mut(), result) }
        }

        /// # Safety
        ///
        /// As for enumerating.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $query(
            thing: u64,
            query: Text,
            properties: OutText,
            result: OutText,
        ) -> u32 {
            // SAFETY: as the caller promises.
            unsafe { give(&ask(request(stringify!($query), thing, &[query])), properties, result) }
        }

        /// # Safety
        ///
        /// As for opening.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $delete(id: *const GUID, result: OutText) -> u32 {
            // SAFETY: as the caller promises.
            unsafe {
                let answer = ask(with_id(stringify!($delete), 0, id, &[]));
                give(&answer, std::ptr::null_mut(), result)
            }
        }

        #[unsafe(no_mangle)]
        pub extern "system" fn $close(thing: u64) -> u32 {
            close(thing)
        }
    )+};
}

things! {
    HcnEnumerateNetworks HcnOpenNetwork HcnModifyNetwork HcnQueryNetworkProperties
        HcnDeleteNetwork HcnCloseNetwork
    HcnEnumerateEndpoints HcnOpenEndpoint HcnModifyEndpoint HcnQueryEndpointProperties
        HcnDeleteEndpoint HcnCloseEndpoint
    HcnEnumerateNamespaces HcnOpenNamespace HcnModifyNamespace HcnQueryNamespaceProperties
        HcnDeleteNamespace HcnCloseNamespace
    HcnEnumerateLoadBalancers HcnOpenLoadBalancer HcnModifyLoadBalancer
        HcnQueryLoadBalancerProperties HcnDeleteLoadBalancer HcnCloseLoadBalancer
    HcnEnumerateSdnRoutes HcnOpenSdnRoute HcnModifySdnRoute HcnQuerySdnRouteProperties
        HcnDeleteSdnRoute HcnCloseSdnRoute
}

macro_rules! made {
    ($($create:ident)+) => {$(
        /// # Safety
        ///
        /// As for opening.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $create(
            id: *const GUID,
            settings: Text,
            place: *mut u64,
            result: OutText,
        ) -> u32 {
            // SAFETY: as the caller promises.
            unsafe { open(with_id(stringify!($create), 0, id, &[settings]), place, result) }
        }
    )+};
}

made! { HcnCreateNetwork HcnCreateNamespace HcnCreateLoadBalancer HcnCreateSdnRoute }

/// # Safety
///
/// As for opening.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcnCreateEndpoint(
    network: u64,
    id: *const GUID,
    settings: Text,
    place: *mut u64,
    result: OutText,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { open(with_id("HcnCreateEndpoint", network, id, &[settings]), place, result) }
}

fn close(handle: u64) -> u32 {
    if let Some(client) = client::client() {
        client.close(handle);
    }
    codes::OK
}

/// # Safety
///
/// `place` and `result` are null or places.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcnOpenService(place: *mut u64, result: OutText) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { open(request("HcnOpenService", 0, &[]), place, result) }
}

#[unsafe(no_mangle)]
pub extern "system" fn HcnCloseService(service: u64) -> u32 {
    close(service)
}

/// # Safety
///
/// The callback is good until it is unregistered; `place` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcnRegisterServiceCallback(
    callback: OnNotification,
    context: *const c_void,
    place: *mut u64,
) -> u32 {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    let (context, handle) = (Context(context), client.handle());
    let tell = move |kind: u32, data: &str| {
        let kind = if kind == wire::SERVICE_DISCONNECT { 0x0100_0000 } else { kind };
        let data = text::wide(data);
        // SAFETY: whoever registered it promises that it is good until it is unregistered.
        unsafe { callback(kind, context.get(), codes::OK, data.as_ptr()) };
    };
    client.callbacks.add(handle);
    client.callbacks.set(handle, Some(Arc::new(tell) as EventCallback));
    let mut request = request("HcnRegisterServiceCallback", 0, &[]);
    request.new_handle = handle;
    let answer = ask(request);
    if codes::failed(answer.result) {
        client.callbacks.remove(handle);
    } else {
        // SAFETY: as the caller promises.
        unsafe { *place = handle };
    }
    answer.result
}

#[unsafe(no_mangle)]
pub extern "system" fn HcnUnregisterServiceCallback(callback: u64) -> u32 {
    close(callback)
}
