//! `computecore.dll`: its functions, with handles that close themselves.
//!
//! Every function takes texts and gives an HRESULT as `u32`. What a call means is `operation`'s and
//! its callers' business.

use std::ffi::c_void;

use windows_sys::Win32::System::HostComputeSystem::{
    HCS_EVENT, HCS_OPERATION, HCS_PROCESS, HCS_PROCESS_INFORMATION, HCS_SYSTEM,
};

use super::library::{Library, function};
use super::text::{take, wide};
use crate::error::ErrorKind;

static CORE: Library = Library::new("computecore.dll");

/// `GENERIC_ALL`.
const EVERYTHING: u32 = 0x1000_0000;

pub(super) type OnEvent = unsafe extern "system" fn(*const HCS_EVENT, *const c_void);
pub(super) type OnDone = unsafe extern "system" fn(HCS_OPERATION, *const c_void);

/// A handle of HCS as a number, so that it may go from thread to thread.
pub(super) type Raw = usize;

/// A compute system's handle; closed once, when the last user drops it.
#[derive(Debug)]
pub(super) struct SystemHandle(pub(super) Raw);

/// A process' handle.
#[derive(Debug)]
pub(super) struct ProcessHandle(pub(super) Raw);

impl Drop for SystemHandle {
    fn drop(&mut self) {
        close(self.0, c"HcsCloseComputeSystem");
    }
}

impl Drop for ProcessHandle {
    fn drop(&mut self) {
        close(self.0, c"HcsCloseProcess");
    }
}

/// Closing waits for callbacks that run: not on the runtime's thread.
fn close(handle: Raw, function: &'static std::ffi::CStr) {
    let close = move || -> Result<(), ErrorKind> {
        let close = CORE.find(function)?;
        // SAFETY: both functions take a handle and give nothing; the handle is closed once.
        unsafe {
            std::mem::transmute::<
                unsafe extern "system" fn() -> isize,
                unsafe extern "system" fn(HCS_SYSTEM),
            >(close)(handle as HCS_SYSTEM);
        }
        Ok(())
    };
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(close)),
        // The function was there when the handle was made.
        Err(_) => drop(close()),
    }
}

/// A call that is submitted to an operation and takes a handle and a document.
pub(super) type Submit = unsafe extern "system" fn(*mut c_void, HCS_OPERATION, *const u16) -> i32;

pub(super) fn submit(
    function: &'static std::ffi::CStr,
    handle: Raw,
    operation: Raw,
    document: &str,
) -> Result<u32, ErrorKind> {
    let address = CORE.find(function)?;
    // SAFETY: all functions that are submitted so have this signature.
    let call =
        unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, Submit>(address) };
    let document = wide(document);
    // SAFETY: both handles are open for the duration of the call; the text ends with a zero.
    Ok(unsafe { call(handle as *mut c_void, operation as HCS_OPERATION, document.as_ptr()) }
        .cast_unsigned())
}

pub(super) fn modify_system(system: Raw, operation: Raw, document: &str) -> Result<u32, ErrorKind> {
    type Modify =
        unsafe extern "system" fn(HCS_SYSTEM, HCS_OPERATION, *const u16, *mut c_void) -> i32;
    let call = function!(CORE, c"HcsModifyComputeSystem" as Modify);
    let document = wide(document);
    // SAFETY: both handles are open; the text ends with a zero; no identity.
    let result = unsafe {
        call(
            system as HCS_SYSTEM,
            operation as HCS_OPERATION,
            document.as_ptr(),
            std::ptr::null_mut(),
        )
    };
    Ok(result.cast_unsigned())
}

pub(super) fn enumerate(operation: Raw, query: &str) -> Result<u32, ErrorKind> {
    type Enumerate = unsafe extern "system" fn(*const u16, HCS_OPERATION) -> i32;
    let call = function!(CORE, c"HcsEnumerateComputeSystems" as Enumerate);
    let query = wide(query);
    // SAFETY: the operation is open; the text ends with a zero.
    Ok(unsafe { call(query.as_ptr(), operation as HCS_OPERATION) }.cast_unsigned())
}

/// The handle comes at once; whether there is a system, the operation tells.
pub(super) fn create_system(
    id: &str,
    document: &str,
    operation: Raw,
) -> Result<(u32, Raw), ErrorKind> {
    type Create = unsafe extern "system" fn(
        *const u16,
        *const u16,
        HCS_OPERATION,
        *const c_void,
        *mut HCS_SYSTEM,
    ) -> i32;
    let call = function!(CORE, c"HcsCreateComputeSystem" as Create);
    let (id, document) = (wide(id), wide(document));
    let mut system: HCS_SYSTEM = std::ptr::null_mut();
    // SAFETY: the texts end with a zero, and the handle has a place.
    let result = unsafe {
        call(
            id.as_ptr(),
            document.as_ptr(),
            operation as HCS_OPERATION,
            std::ptr::null(),
            &raw mut system,
        )
    };
    Ok((result.cast_unsigned(), system as Raw))
}

pub(super) fn open_system(id: &str) -> Result<(u32, Raw), ErrorKind> {
    type Open = unsafe extern "system" fn(*const u16, u32, *mut HCS_SYSTEM) -> i32;
    let call = function!(CORE, c"HcsOpenComputeSystem" as Open);
    let id = wide(id);
    let mut system: HCS_SYSTEM = std::ptr::null_mut();
    // SAFETY: the text ends with a zero, and the handle has a place.
    let result = unsafe { call(id.as_ptr(), EVERYTHING, &raw mut system) };
    Ok((result.cast_unsigned(), system as Raw))
}

pub(super) fn create_process(
    system: Raw,
    parameters: &str,
    operation: Raw,
) -> Result<(u32, Raw), ErrorKind> {
    type Create = unsafe extern "system" fn(
        HCS_SYSTEM,
        *const u16,
        HCS_OPERATION,
        *const c_void,
        *mut HCS_PROCESS,
    ) -> i32;
    let call = function!(CORE, c"HcsCreateProcess" as Create);
    let parameters = wide(parameters);
    let mut process: HCS_PROCESS = std::ptr::null_mut();
    // SAFETY: the handles are open, the text ends with a zero, and the handle has a place.
    let result = unsafe {
        call(
            system as HCS_SYSTEM,
            parameters.as_ptr(),
            operation as HCS_OPERATION,
            std::ptr::null(),
            &raw mut process,
        )
    };
    Ok((result.cast_unsigned(), process as Raw))
}

pub(super) fn open_process(system: Raw, pid: u32) -> Result<(u32, Raw), ErrorKind> {
    type Open = unsafe extern "system" fn(HCS_SYSTEM, u32, u32, *mut HCS_PROCESS) -> i32;
    let call = function!(CORE, c"HcsOpenProcess" as Open);
    let mut process: HCS_PROCESS = std::ptr::null_mut();
    // SAFETY: the system is open, and the handle has a place.
    let result = unsafe { call(system as HCS_SYSTEM, pid, EVERYTHING, &raw mut process) };
    Ok((result.cast_unsigned(), process as Raw))
}

pub(super) fn process_info(process: Raw, operation: Raw) -> Result<u32, ErrorKind> {
    type Info = unsafe extern "system" fn(HCS_PROCESS, HCS_OPERATION) -> i32;
    let call = function!(CORE, c"HcsGetProcessInfo" as Info);
    // SAFETY: both handles are open.
    Ok(unsafe { call(process as HCS_PROCESS, operation as HCS_OPERATION) }.cast_unsigned())
}

/// Sets who is told what happens to a system, or to a process.
pub(super) fn set_callback(
    function: &'static std::ffi::CStr,
    handle: Raw,
    context: usize,
    callback: OnEvent,
) -> Result<u32, ErrorKind> {
    type Set = unsafe extern "system" fn(*mut c_void, u32, *const c_void, OnEvent) -> i32;
    let address = CORE.find(function)?;
    // SAFETY: both functions have this signature. The context is a number and no pointer.
    let result = unsafe {
        let call = std::mem::transmute::<unsafe extern "system" fn() -> isize, Set>(address);
        call(handle as *mut c_void, 0, std::ptr::without_provenance(context), callback)
    };
    Ok(result.cast_unsigned())
}

pub(super) fn create_operation(context: usize, callback: OnDone) -> Result<Raw, ErrorKind> {
    type Create = unsafe extern "system" fn(*const c_void, OnDone) -> HCS_OPERATION;
    let call = function!(CORE, c"HcsCreateOperation" as Create);
    // SAFETY: the context is a number and no pointer.
    let operation = unsafe { call(std::ptr::without_provenance(context), callback) };
    if operation.is_null() {
        return Err(ErrorKind::Disconnected("the Host Compute Service"));
    }
    Ok(operation as Raw)
}

pub(super) fn close_operation(operation: Raw) -> Result<(), ErrorKind> {
    type Close = unsafe extern "system" fn(HCS_OPERATION);
    let call = function!(CORE, c"HcsCloseOperation" as Close);
    // SAFETY: the operation is open, and closed once.
    unsafe { call(operation as HCS_OPERATION) };
    Ok(())
}

pub(super) fn cancel_operation(operation: Raw) -> Result<(), ErrorKind> {
    type Cancel = unsafe extern "system" fn(HCS_OPERATION) -> i32;
    let call = function!(CORE, c"HcsCancelOperation" as Cancel);
    // SAFETY: the operation is open. One that cannot be cancelled goes on unheard.
    unsafe { call(operation as HCS_OPERATION) };
    Ok(())
}

/// What an operation gave: its result, and its document.
pub(super) fn result(operation: Raw) -> Result<(u32, String), ErrorKind> {
    type Get = unsafe extern "system" fn(HCS_OPERATION, *mut *mut u16) -> i32;
    let call = function!(CORE, c"HcsGetOperationResult" as Get);
    let mut document = std::ptr::null_mut();
    // SAFETY: the operation is open, and the text has a place and is ours to free.
    unsafe {
        let result = call(operation as HCS_OPERATION, &raw mut document);
        Ok((result.cast_unsigned(), take(document)))
    }
}

/// The same for one that makes or describes a process.
pub(super) fn process_result(
    operation: Raw,
) -> Result<(u32, String, HCS_PROCESS_INFORMATION), ErrorKind> {
    type Get = unsafe extern "system" fn(
        HCS_OPERATION,
        *mut HCS_PROCESS_INFORMATION,
        *mut *mut u16,
    ) -> i32;
    let call = function!(CORE, c"HcsGetOperationResultAndProcessInfo" as Get);
    let mut document = std::ptr::null_mut();
    let mut info = HCS_PROCESS_INFORMATION::default();
    // SAFETY: the operation is open; both results have a place, and the text is ours to free.
    unsafe {
        let result = call(operation as HCS_OPERATION, &raw mut info, &raw mut document);
        Ok((result.cast_unsigned(), take(document), info))
    }
}

/// Changes a setting of the service itself, without an operation.
pub(super) fn modify_service(settings: &str) -> Result<(u32, String), ErrorKind> {
    type Modify = unsafe extern "system" fn(*const u16, *mut *mut u16) -> i32;
    let call = function!(CORE, c"HcsModifyServiceSettings" as Modify);
    let settings = wide(settings);
    let mut document = std::ptr::null_mut();
    // SAFETY: the text ends with a zero, and the answer has a place and is ours to free.
    unsafe {
        let result = call(settings.as_ptr(), &raw mut document);
        Ok((result.cast_unsigned(), take(document)))
    }
}

/// Asks the service itself, without an operation.
pub(super) fn service_properties(query: &str) -> Result<(u32, String), ErrorKind> {
    type Get = unsafe extern "system" fn(*const u16, *mut *mut u16) -> i32;
    let call = function!(CORE, c"HcsGetServiceProperties" as Get);
    let query = wide(query);
    let mut document = std::ptr::null_mut();
    // SAFETY: the text ends with a zero, and the answer has a place and is ours to free.
    unsafe {
        let result = call(query.as_ptr(), &raw mut document);
        Ok((result.cast_unsigned(), take(document)))
    }
}
