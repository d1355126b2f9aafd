//! The last words of this program when it breaks: Wine, told to be quiet, lets it end without any.

use windows_sys::Win32::Foundation::{HMODULE, MAX_PATH};
use windows_sys::Win32::System::Diagnostics::Debug::{
    EXCEPTION_POINTERS, SetUnhandledExceptionFilter,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
    GetModuleFileNameW, GetModuleHandleExW,
};

use super::text::narrow;

/// Go on as if nobody had looked: the process ends with the exception's code.
const EXCEPTION_CONTINUE_SEARCH: i32 = 0;

/// From here on an exception that nobody handles is told on standard error.
pub(super) fn tell() {
    // SAFETY: the filter is a function that stays.
    unsafe { SetUnhandledExceptionFilter(Some(told)) };
}

unsafe extern "system" fn told(pointers: *const EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system calls this with the exception that is being handled.
    let record =
        unsafe { pointers.as_ref().and_then(|pointers| pointers.ExceptionRecord.as_ref()) };
    if let Some(record) = record {
        let address = record.ExceptionAddress.addr();
        let (module, base) = module_at(address);
        let (code, offset) = (record.ExceptionCode, address - base);
        eprintln!("transom-guest: exception {code:#010x} at {module}+{offset:#x}");
    }
    EXCEPTION_CONTINUE_SEARCH
}

/// The module that an address is in, and where that begins.
fn module_at(address: usize) -> (String, usize) {
    const FLAGS: u32 =
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let mut module: HMODULE = std::ptr::null_mut();
    let mut name = [0_u16; MAX_PATH as usize];
    // SAFETY: with these flags the name is an address; the buffers live for the calls.
    let found = unsafe {
        GetModuleHandleExW(FLAGS, std::ptr::without_provenance(address), &raw mut module) != 0
            && GetModuleFileNameW(module, name.as_mut_ptr(), MAX_PATH) != 0
    };
    if found { (narrow(&name), module.addr()) } else { ("no module".to_owned(), 0) }
}
