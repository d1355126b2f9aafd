//! Whether the calling process may do what few may.

#![expect(unsafe_code, reason = "Windows is a C interface")]

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::LUID;
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, PRIVILEGE_SET,
    PrivilegeCheck, SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken,
};

use crate::client::text::wide;
use crate::codes;

/// What work on layers needs.
const BACKUP: [&str; 2] = ["SeBackupPrivilege", "SeRestorePrivilege"];

/// Whether they are switched on, for this thread if it has a token of its own; the error is the one
/// that Windows gives otherwise.
pub fn needed() -> Result<(), u32> {
    let token = own_token().or_else(token).ok_or(codes::PRIVILEGE_NOT_HELD)?;
    let is_on = |name: &&str| luid(name).is_some_and(|id| has(&token, id));
    if BACKUP.iter().all(is_on) { Ok(()) } else { Err(codes::PRIVILEGE_NOT_HELD) }
}

/// Switches them on for this process, as callers must.
pub fn switch_on() -> bool {
    let Some(token) = token() else { return false };
    BACKUP.iter().all(|name| luid(name).is_some_and(|id| enable(&token, id)))
}

fn token() -> Option<OwnedHandle> {
    let mut token = std::ptr::null_mut();
    let access = TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES;
    // SAFETY: the pseudo handle is always good, and the token has a place and is new.
    unsafe {
        let done = OpenProcessToken(GetCurrentProcess(), access, &raw mut token);
        (done != 0).then(|| OwnedHandle::from_raw_handle(token))
    }
}

fn own_token() -> Option<OwnedHandle> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the pseudo handle is always good, and the token has a place and is new.
    unsafe {
        let done = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut token);
        (done != 0).then(|| OwnedHandle::from_raw_handle(token))
    }
}

fn luid(name: &str) -> Option<LUID> {
    let (mut id, name) = (LUID::default(), wide(name));
    // SAFETY: the name ends with a zero, and the id has a place.
    let done = unsafe { LookupPrivilegeValueW(std::ptr::null(), name.as_ptr(), &raw mut id) };
    (done != 0).then_some(id)
}

fn has(token: &OwnedHandle, id: LUID) -> bool {
    let one = LUID_AND_ATTRIBUTES { Luid: id, Attributes: 0 };
    let mut set = PRIVILEGE_SET { PrivilegeCount: 1, Control: 1, Privilege: [one] };
    let mut is_on = 0;
    // SAFETY: the token is open, and the set holds as many as it says.
    let done = unsafe { PrivilegeCheck(token.as_raw_handle(), &raw mut set, &raw mut is_on) };
    done != 0 && is_on != 0
}

fn enable(token: &OwnedHandle, id: LUID) -> bool {
    let one = LUID_AND_ATTRIBUTES { Luid: id, Attributes: SE_PRIVILEGE_ENABLED };
    let wanted = TOKEN_PRIVILEGES { PrivilegeCount: 1, Privileges: [one] };
    let none = std::ptr::null_mut();
    // SAFETY: as above.
    let done = unsafe {
        AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const wanted, 0, none, none.cast())
    };
    done != 0 && has(token, id)
}
