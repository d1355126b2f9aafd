//! System DLLs, loaded from `system32` when they are first used. A function that a Windows lacks is
//! an error of the call that needs it, and of no other.

use std::ffi::CStr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{FARPROC, HMODULE};
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use super::text::wide;
use crate::error::ErrorKind;

/// A DLL of Windows' own.
pub(super) struct Library {
    name: &'static str,
    module: OnceLock<usize>,
}

impl Library {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, module: OnceLock::new() }
    }

    /// A function's address, never null. Whoever calls it knows its signature.
    pub(super) fn find(
        &self,
        function: &'static CStr,
    ) -> Result<unsafe extern "system" fn() -> isize, ErrorKind> {
        let module = *self.module.get_or_init(|| self.load());
        if module == 0 {
            return Err(ErrorKind::HostLacks {
                what: format!("{} is not there", self.name),
                mend: "enable the Windows feature `Containers` and restart".into(),
            });
        }
        // SAFETY: the module is loaded and stays so; the name ends with a zero.
        let found: FARPROC = unsafe { GetProcAddress(module as HMODULE, function.as_ptr().cast()) };
        found.ok_or_else(|| ErrorKind::HostLacks {
            what: format!("{} has no {}", self.name, function.to_string_lossy()),
            mend: "this Windows is too old for it: Windows Server 2019 is the oldest".into(),
        })
    }

    fn load(&self) -> usize {
        let name = wide(self.name);
        // SAFETY: the name ends with a zero; the reserved handle is null.
        let module = unsafe {
            LoadLibraryExW(name.as_ptr(), std::ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32)
        };
        module as usize
    }
}

/// A function of a library as what it is, or why it is not there.
macro_rules! function {
    ($library:ident, $name:literal as $signature:ty) => {
        function!($library, $name, $signature)
    };
    ($library:ident, $name:expr, $signature:ty) => {{
        let address = $library.find($name)?;
        // SAFETY: this is the signature that Windows documents for the name.
        unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, $signature>(address) }
    }};
}

pub(super) use function;
