//! Functions of DLLs by their names.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::ffi::CStr;

use hcs_emulator::client::text;
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

pub(crate) type Text = *const u16;
type Function = unsafe extern "system" fn() -> isize;

/// A function, if the DLL has it.
pub(crate) fn lookup(dll: &str, name: &CStr) -> Option<Function> {
    let library = text::wide(dll);
    // SAFETY: both names end with a zero.
    unsafe {
        let module = LoadLibraryW(library.as_ptr());
        assert!(!module.is_null(), "{dll} is not in system32");
        GetProcAddress(module, name.as_ptr().cast())
    }
}

pub(crate) fn find(dll: &str, name: &CStr) -> Function {
    lookup(dll, name).unwrap_or_else(|| panic!("{dll} has no {}", name.to_string_lossy()))
}

/// A text that a function gave: copied, and freed as its callers free it.
pub(crate) fn take(text: *mut u16) -> String {
    // SAFETY: functions give null or what ends with a zero and is the caller's to free.
    unsafe {
        let copy = text::read(text);
        CoTaskMemFree(text.cast_const().cast());
        copy
    }
}

/// Calls an export; the types are those of its arguments.
macro_rules! call {
    ($dll:literal, $name:literal ($($argument:expr => $kind:ty),*)) => {{
        let address = crate::dll::find($dll, $name);
        // SAFETY: these are the export's arguments; pointers are good for the call.
        unsafe {
            std::mem::transmute::<
                unsafe extern "system" fn() -> isize,
                unsafe extern "system" fn($($kind),*) -> u32,
            >(address)($($argument),*)
        }
    }};
}

pub(crate) use call;
