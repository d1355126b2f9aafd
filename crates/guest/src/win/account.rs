//! Account names, asked of the running system where the table has none.

use schema::guest::{Failure, User};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{ConvertSidToStringSidW, ConvertStringSidToSidW};
use windows_sys::Win32::Security::{LookupAccountNameW, LookupAccountSidW, PSID};

use super::error;
use super::text::{narrow, narrow_ptr, wide};
use crate::account::{self, Account, Kind};

const ERROR_NONE_MAPPED: u32 = 1332;
const ERROR_LOGON_FAILURE: u32 = 1326;

/// The account that `name` means.
pub(super) fn resolve(name: &str) -> Result<User, Failure> {
    if let Some(known) = account::known(name) {
        return Ok(known.to_user());
    }
    if account::is_sid(name) {
        return by_sid(name);
    }
    by_name(name)
}

/// The account that a process is started as.
pub(super) fn to_run_as(name: &str) -> Result<Account, Failure> {
    let refuse = |code, rule: &str| Failure { code, message: format!("user `{name}`: {rule}") };
    match account::known(name) {
        Some(known) if known.kind == Kind::User => Ok(known),
        Some(_) => Err(refuse(ERROR_LOGON_FAILURE, "it is a group; a process needs a user")),
        // Every process of a session runs as the one user that Wine has; it is the administrator.
        None => match resolve(name) {
            Ok(user) if !user.name.is_empty() && is_session_user(&user) => {
                Ok(account::ADMINISTRATOR)
            }
            Ok(_) => Err(refuse(ERROR_LOGON_FAILURE, "processes cannot be started as it here")),
            Err(failure) => Err(failure),
        },
    }
}

fn is_session_user(user: &User) -> bool {
    user.name.eq_ignore_ascii_case(account::ADMINISTRATOR.name)
}

fn by_name(name: &str) -> Result<User, Failure> {
    let none = || error::failure(ERROR_NONE_MAPPED, &format!("resolving user `{name}`"));
    if name.contains('\0') {
        return Err(none());
    }
    let account = wide(name);
    let mut sid = [0u64; 16];
    let mut domain = [0u16; 256];
    let (mut sid_len, mut domain_len, mut kind) = (128, 256, 0);
    // SAFETY: each buffer goes with its length in the unit that the call counts in.
    let ok = unsafe {
        LookupAccountNameW(
            std::ptr::null(),
            account.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_len,
            domain.as_mut_ptr(),
            &raw mut domain_len,
            &raw mut kind,
        )
    };
    if ok == 0 {
        return Err(none());
    }
    let bare = name.rsplit('\\').next().unwrap_or(name);
    let sid = sid.as_mut_ptr().cast();
    // SAFETY: the call filled the buffer with a SID.
    let text = unsafe { sid_text(sid) }.ok_or_else(none)?;
    Ok(User { name: bare.to_owned(), domain: narrow(&domain), sid: text })
}

/// A SID that no account bears is still a SID: it comes back with empty names.
fn by_sid(text: &str) -> Result<User, Failure> {
    let input = wide(text);
    let mut sid: PSID = std::ptr::null_mut();
    // SAFETY: the text is zero-terminated.
    if unsafe { ConvertStringSidToSidW(input.as_ptr(), &raw mut sid) } == 0 {
        return Err(error::failure(ERROR_NONE_MAPPED, &format!("resolving SID `{text}`")));
    }
    // SAFETY: the call made a SID, freed below and not used after.
    let names = unsafe { names_of(sid) };
    // SAFETY: allocated by the call above.
    unsafe { LocalFree(sid) };
    let (name, domain) = names.unwrap_or_default();
    Ok(User { name, domain, sid: text.to_ascii_uppercase() })
}

/// # Safety
///
/// `sid` points to a SID.
unsafe fn names_of(sid: PSID) -> Option<(String, String)> {
    let (mut name, mut domain) = ([0u16; 256], [0u16; 256]);
    let (mut name_len, mut domain_len, mut kind) = (256, 256, 0);
    // SAFETY: each buffer goes with its length; the caller vouches for the SID.
    let ok = unsafe {
        LookupAccountSidW(
            std::ptr::null(),
            sid,
            name.as_mut_ptr(),
            &raw mut name_len,
            domain.as_mut_ptr(),
            &raw mut domain_len,
            &raw mut kind,
        )
    };
    (ok != 0).then(|| (narrow(&name), narrow(&domain)))
}

/// # Safety
///
/// `sid` points to a SID.
unsafe fn sid_text(sid: PSID) -> Option<String> {
    let mut text = std::ptr::null_mut();
    // SAFETY: the caller vouches for the SID.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return None;
    }
    // SAFETY: the call made zero-terminated text.
    let owned = unsafe { narrow_ptr(text) };
    // SAFETY: allocated by the call above.
    unsafe { LocalFree(text.cast()) };
    Some(owned)
}
