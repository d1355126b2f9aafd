//! The rights that work on layers needs, switched on for the thread that does it: a process that had
//! them would give them to every program that it starts.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, ImpersonateSelf, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
    RevertToSelf, SE_PRIVILEGE_ENABLED, SecurityImpersonation, TOKEN_ADJUST_PRIVILEGES,
    TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Threading::{GetCurrentThread, OpenThreadToken};

use super::super::text::wide;
use crate::error::ErrorKind;

const NEEDED: [&str; 2] = ["SeBackupPrivilege", "SeRestorePrivilege"];
/// Only some files need it, and then say so themselves: links.
const WANTED: &str = "SeCreateSymbolicLinkPrivilege";

thread_local! {
    /// How many of this thread's have them: the last one gives them back.
    static HOLDERS: Cell<u32> = const { Cell::new(0) };
}

/// This thread has the rights as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Rights(PhantomData<*const ()>);

/// Switches them on.
pub(in crate::sys) fn take() -> io::Result<Rights> {
    let held = HOLDERS.get();
    if held == 0 {
        // SAFETY: no pointers.
        if unsafe { ImpersonateSelf(SecurityImpersonation) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    HOLDERS.set(held + 1);
    // What fails from here on is given back.
    let rights = Rights(PhantomData);
    if held == 0 {
        let token = token()?;
        for name in NEEDED {
            enable(&token, name).map_err(|source| refused(name, &source))?;
        }
        // As its comment says.
        let _ = enable(&token, WANTED);
    }
    Ok(rights)
}

impl Drop for Rights {
    fn drop(&mut self) {
        let held = HOLDERS.get() - 1;
        HOLDERS.set(held);
        // SAFETY: no pointers.
        if held == 0 && unsafe { RevertToSelf() } == 0 {
            let error = io::Error::last_os_error();
            tracing::error!(%error, "a thread keeps the rights to back up and restore files");
        }
    }
}

fn refused(name: &str, source: &io::Error) -> io::Error {
    io::Error::other(ErrorKind::HostLacks {
        what: format!("Windows does not give {name}, which work on layers needs ({source})"),
        mend: "run as an elevated administrator".into(),
    })
}

/// This thread's own.
fn token() -> io::Result<OwnedHandle> {
    let mut token = std::ptr::null_mut();
    let access = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;
    // SAFETY: the pseudo handle is always good, and the token has a place.
    if unsafe { OpenThreadToken(GetCurrentThread(), access, 1, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn id(name: &str) -> io::Result<LUID> {
    let (mut id, name) = (LUID::default(), wide(name));
    // SAFETY: the name ends with a zero, and the id has a place.
    let done = unsafe { LookupPrivilegeValueW(std::ptr::null(), name.as_ptr(), &raw mut id) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(id) }
}

fn enable(token: &OwnedHandle, name: &str) -> io::Result<()> {
    let one = LUID_AND_ATTRIBUTES { Luid: id(name)?, Attributes: SE_PRIVILEGE_ENABLED };
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
    use windows_sys::Win32::Security::{PRIVILEGE_SET, PrivilegeCheck};
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

    use super::*;

    fn of_the_process() -> OwnedHandle {
        let mut token = std::ptr::null_mut();
        // SAFETY: the token has a place, is new, and nobody else's.
        unsafe {
            assert_ne!(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token), 0);
            OwnedHandle::from_raw_handle(token)
        }
    }

    fn has(token: &OwnedHandle) -> bool {
        NEEDED.iter().all(|name| {
            let one = LUID_AND_ATTRIBUTES { Luid: id(name).unwrap(), Attributes: 0 };
            let mut set = PRIVILEGE_SET { PrivilegeCount: 1, Control: 1, Privilege: [one] };
            let mut is_on = 0;
            // SAFETY: the token is open, and the set holds as many as it says.
            let asked =
                unsafe { PrivilegeCheck(token.as_raw_handle(), &raw mut set, &raw mut is_on) };
            asked != 0 && is_on != 0
        })
    }

    #[test]
    fn a_thread_has_them_as_long_as_it_works_and_the_process_never() {
        let outer = take().unwrap();
        drop(take().unwrap());
        let own = token().unwrap();
        assert!(has(&own), "the outer one has them still");
        assert!(enable(&own, "SeNoSuchPrivilege").is_err());
        std::thread::spawn(|| assert!(token().is_err(), "another thread")).join().unwrap();
        drop(outer);
        assert!(token().is_err(), "given back");
        assert!(!has(&of_the_process()));
    }
}
