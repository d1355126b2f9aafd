//! The rights that work on layers needs, switched on for the whole process: worker threads share
//! its token.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::super::text::wide;
use crate::error::ErrorKind;

const NEEDED: [&str; 2] = ["SeBackupPrivilege", "SeRestorePrivilege"];
/// Only some files need it, and then say so themselves: links.
const WANTED: &str = "SeCreateSymbolicLinkPrivilege";

/// Switches them on, once.
pub(in crate::sys) fn take() -> io::Result<()> {
    static TAKEN: OnceLock<()> = OnceLock::new();
    if TAKEN.get().is_some() {
        return Ok(());
    }
    let token = token()?;
    for name in NEEDED {
        enable(&token, name).map_err(|source| refused(name, &source))?;
    }
    // As its comment says.
    let _ = enable(&token, WANTED);
    TAKEN.get_or_init(|| ());
    Ok(())
}

fn refused(name: &str, source: &io::Error) -> io::Error {
    io::Error::other(ErrorKind::HostLacks {
        what: format!("Windows does not give {name}, which work on layers needs ({source})"),
        mend: "run as an elevated administrator".into(),
    })
}

fn token() -> io::Result<OwnedHandle> {
    let mut token = std::ptr::null_mut();
    let access = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;
    // SAFETY: the pseudo handle is always good, and the token has a place.
    if unsafe { OpenProcessToken(GetCurrentProcess(), access, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn enable(token: &OwnedHandle, name: &str) -> io::Result<()> {
    let mut id = LUID::default();
    let name = wide(name);
    // SAFETY: the name ends with a zero, and the id has a place.
    if unsafe { LookupPrivilegeValueW(std::ptr::null(), name.as_ptr(), &raw mut id) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let one = LUID_AND_ATTRIBUTES { Luid: id, Attributes: SE_PRIVILEGE_ENABLED };
    let wanted = TOKEN_PRIVILEGES { PrivilegeCount: 1, Privileges: [one] };
    let none = std::ptr::null_mut();
    // SAFETY: the token is open, and the list holds as many as it says.
    let done = unsafe {
        AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const wanted, 0, none, none.cast())
    };
    let said = io::Error::last_os_error();
    // It also says that it has done its work when it has not.
    let missing = said.raw_os_error() == Some(ERROR_NOT_ALL_ASSIGNED.cast_signed());
    if done == 0 || missing { Err(said) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_gets_them_as_often_as_asked_for() {
        take().unwrap();
        take().unwrap();
        let token = token().unwrap();
        assert!(enable(&token, "SeNoSuchPrivilege").is_err());
    }
}
