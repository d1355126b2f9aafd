//! How many handles a process has, by the system's own list.

#![expect(unsafe_code, reason = "a Windows call that takes a buffer")]

use std::ffi::c_void;

/// `SystemHandleInformation`: a count, then entries whose first half word is a pid.
const CLASS: u32 = 16;
/// An entry's length, in words.
const ENTRY: usize = 3;
/// `STATUS_INFO_LENGTH_MISMATCH`: the list is longer.
const TOO_SHORT: i32 = 0xC000_0004_u32.cast_signed();
/// The longest list that is asked for, in words.
const LONGEST: usize = 8 << 20;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtQuerySystemInformation(
        class: u32,
        buffer: *mut c_void,
        size: u32,
        needed: *mut u32,
    ) -> i32;
}

/// The handles of a process; `None` when Windows does not tell.
pub fn count(pid: u32) -> Option<usize> {
    let mut list = vec![0u64; 4096];
    while list.len() < LONGEST {
        let size = u32::try_from(size_of_val(&list[..])).ok()?;
        let mut needed = 0;
        // SAFETY: the list has this many bytes.
        let status = unsafe {
            NtQuerySystemInformation(CLASS, list.as_mut_ptr().cast(), size, &raw mut needed)
        };
        if status >= 0 {
            let entries = list[1..].chunks_exact(ENTRY).take(low(list[0]) as usize);
            return Some(entries.filter(|entry| low(entry[0]) == pid).count());
        }
        if status != TOO_SHORT {
            return None;
        }
        list = vec![0; list.len() * 2];
    }
    None
}

/// The first half of a word.
fn low(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
