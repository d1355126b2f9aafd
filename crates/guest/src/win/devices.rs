//! The devices that ordinary programs open: volumes (`dir`, `GetVolumeInformation`) and network
//! interfaces (`ipconfig`, `GetAdaptersAddresses`, `ping`).
//!
//! Under Wine a driver is a module in a process of the session. Wine's own way there is the service
//! manager and a host process a driver, which costs ten times what the drivers do; nothing tells
//! when a program opens a device in vain, so they cannot wait until they are asked for. This
//! program loads the two that matter itself, in milliseconds, before it takes requests. A service
//! manager that is started later finds their devices taken, and goes on without its own.

use std::ffi::{CStr, c_void};

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_PROC_NOT_FOUND, HANDLE, HMODULE, UNICODE_STRING,
};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::Win32::System::Threading::CreateEventW;

use super::handle::Handle;
use super::text::wide;
use super::{error, serve};

/// Modules and the driver objects that they are the code of.
const DRIVERS: [(&str, &str); 2] = [
    (r"C:\windows\system32\drivers\mountmgr.sys", r"\Driver\MountMgr"),
    (r"C:\windows\system32\drivers\nsiproxy.sys", r"\Driver\nsiproxy"),
];
/// Exists from when a guest of the session has taken the drivers on.
const TAKEN: &str = "__transom_devices";

type Entry = unsafe extern "system" fn(*mut c_void, *mut c_void) -> i32;
type CreateDriver = unsafe extern "system" fn(*const UNICODE_STRING, Entry) -> i32;
type MainLoop = unsafe extern "C" fn(HANDLE) -> i32;

/// Loads the drivers and serves their devices on a thread of its own until the session ends. Only
/// the session's first guest does; for another this is a success that changes nothing.
pub(super) fn serve() -> Result<(), Failure> {
    let name = wide(TAKEN);
    // SAFETY: the name is zero-terminated.
    let taken = unsafe { CreateEventW(std::ptr::null(), 1, 0, name.as_ptr()) };
    let already = error::last_code() == ERROR_ALREADY_EXISTS;
    let taken = Handle::own(taken).ok_or_else(|| error::last("taking the session's devices"))?;
    // Held until this process ends, and with it the devices.
    std::mem::forget(taken);
    if already { Ok(()) } else { load_all() }
}

fn load_all() -> Result<(), Failure> {
    let kernel = load("ntoskrnl.exe")?;
    let main_loop = export(kernel, c"wine_ntoskrnl_main_loop")?;
    // SAFETY: Wine's kernel module exports it with this signature.
    let main_loop: MainLoop = unsafe { std::mem::transmute(main_loop) };
    let create = export(kernel, c"IoCreateDriver")?;
    // SAFETY: as Windows documents it.
    let create: CreateDriver = unsafe { std::mem::transmute(create) };
    // SAFETY: no name, no attributes.
    let never = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
    let never = Handle::own(never).ok_or_else(|| error::last("making an event"))?;
    std::thread::Builder::new()
        .name("devices".into())
        .stack_size(serve::STACK)
        // SAFETY: the event is open for as long as the loop runs.
        .spawn(move || unsafe { main_loop(never.raw()) })
        .map_err(|e| Failure { code: 8, message: format!("starting the device thread: {e}") })?;
    DRIVERS.iter().try_for_each(|(module, driver)| start(create, module, driver))
}

/// A driver's code is a module, and its module's entry point the driver's.
fn start(create: CreateDriver, module: &str, driver: &str) -> Result<(), Failure> {
    let base = load(module)?;
    let mut text = wide(driver);
    let bytes = u16::try_from((text.len() - 1) * 2).expect("driver names are short");
    let name =
        UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: text.as_mut_ptr() };
    // SAFETY: a loaded module has its headers mapped; the name lives for the call.
    let status = unsafe { create(&raw const name, entry_point(base)) };
    if status < 0 { Err(error::from_status(status, &format!("starting {driver}"))) } else { Ok(()) }
}

/// # Safety
///
/// `base` is a loaded 64-bit module that is a driver.
unsafe fn entry_point(base: HMODULE) -> Entry {
    /// Where a module says where its headers are.
    const HEADERS: usize = 0x3c;
    /// Where they say where it is entered.
    const ENTRY: usize = 0x28;
    let base: *const u8 = base.cast();
    // SAFETY: both fields are within the mapped headers, and the address is the driver's entry.
    unsafe {
        let headers = base.add(HEADERS).cast::<u32>().read_unaligned() as usize;
        let entry = base.add(headers + ENTRY).cast::<u32>().read_unaligned() as usize;
        std::mem::transmute::<*const u8, Entry>(base.add(entry))
    }
}

fn load(module: &str) -> Result<HMODULE, Failure> {
    let name = wide(module);
    // SAFETY: the name is zero-terminated.
    let found = unsafe { LoadLibraryW(name.as_ptr()) };
    if found.is_null() { Err(error::last(&format!("loading {module}"))) } else { Ok(found) }
}

fn export(module: HMODULE, name: &CStr) -> Result<unsafe extern "system" fn() -> isize, Failure> {
    // SAFETY: the module stays loaded, the name is zero-terminated.
    let found = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
    found.ok_or_else(|| error::failure(ERROR_PROC_NOT_FOUND, &format!("finding {name:?}")))
}
