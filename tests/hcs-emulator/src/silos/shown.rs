//! Showing what is bound: under Wine, by a link of the host below. Elsewhere nothing is shown.
//!
//! Wine's own calls make no links. Wine tells the host's name of a path, and runs a program's
//! instructions as they are: the link is made by the kernel beneath.

#![expect(unsafe_code, reason = "calls of the kernel beneath Wine")]

use std::arch::asm;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;

use serde::{Deserialize, Serialize};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Memory::{GetProcessHeap, HeapFree};

use crate::client::text::wide;

const SYS_MKDIR: usize = 83;
const SYS_RMDIR: usize = 84;
const SYS_UNLINK: usize = 87;
const SYS_SYMLINK: usize = 88;
const EINTR: isize = -4;
/// What an empty folder that was in the place of a link had.
const MODE: usize = 0o755;

/// A link that shows something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown {
    /// The host's name of it.
    link: String,
    /// An empty folder was in its place.
    was_folder: bool,
}

/// Shows `target` at a path, if there is nothing, or only an empty folder.
pub(super) fn show(at: &Path, target: &Path) -> Option<Shown> {
    let (link, to) = (host_name(at)?, host_name(target)?);
    let was_folder = call(SYS_RMDIR, link.as_ptr().addr(), 0) == 0;
    if call(SYS_SYMLINK, to.as_ptr().addr(), link.as_ptr().addr()) != 0 {
        if was_folder {
            call(SYS_MKDIR, link.as_ptr().addr(), MODE);
        }
        return None;
    }
    Some(Shown { link: link.into_string().ok()?, was_folder })
}

/// Shows it no more.
pub(super) fn hide(shown: &Shown) {
    let Ok(link) = CString::new(shown.link.as_str()) else { return };
    if call(SYS_UNLINK, link.as_ptr().addr(), 0) == 0 && shown.was_folder {
        call(SYS_MKDIR, link.as_ptr().addr(), MODE);
    }
}

/// Wine's name of a path on the host; nothing where there is no Wine.
fn host_name(path: &Path) -> Option<CString> {
    type HostName = unsafe extern "C" fn(*const u16) -> *mut c_char;
    let (kernel, path) = (wide("kernel32.dll"), wide(&path.to_string_lossy()));
    // SAFETY: the names end with zeros; the export has this type, and gives null or a text of the
    // process' heap.
    unsafe {
        let module = GetModuleHandleW(kernel.as_ptr());
        let found = GetProcAddress(module, c"wine_get_unix_file_name".as_ptr().cast())?;
        let ask = std::mem::transmute::<unsafe extern "system" fn() -> isize, HostName>(found);
        let name = ask(path.as_ptr());
        if name.is_null() {
            return None;
        }
        let copy = CStr::from_ptr(name).to_owned();
        HeapFree(GetProcessHeap(), 0, name.cast());
        Some(copy)
    }
}

/// A call of Linux' with a path, and perhaps another or a number.
fn call(number: usize, first: usize, second: usize) -> isize {
    loop {
        let result: isize;
        // SAFETY: the callers' paths live through the call; `syscall` itself clobbers only rcx and r11.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") number => result,
                in("rdi") first, in("rsi") second,
                lateout("rcx") _, lateout("r11") _,
                options(nostack),
            );
        }
        if result != EINTR {
            return result;
        }
    }
}
