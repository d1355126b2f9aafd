//! The threads of this process, for whoever looks for a fault.

use std::fmt::Write as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};

/// One line a thread: its id and its priority.
pub fn threads() -> String {
    let mut text = String::new();
    // SAFETY: no pointers.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return text;
    }
    // SAFETY: the handle is new and nobody else's.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    let mut thread = THREADENTRY32 {
        dwSize: u32::try_from(size_of::<THREADENTRY32>()).expect("a small structure"),
        ..THREADENTRY32::default()
    };
    // SAFETY: the snapshot is open and the entry is whole.
    let mut is_there = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut thread) };
    while is_there != 0 {
        if thread.th32OwnerProcessID == std::process::id() {
            // Not being able to tell is no reason to tell nothing.
            let _ = writeln!(text, "  {}: priority {}", thread.th32ThreadID, thread.tpBasePri);
        }
        // SAFETY: as above.
        is_there = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut thread) };
    }
    text
}
