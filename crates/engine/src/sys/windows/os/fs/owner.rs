//! Whose a folder is: every user may make one where Windows keeps programs' data.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetNamedSecurityInfoW, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::super::super::text::{take, wide};

/// The system, the built-in administrators, Windows' installer.
const TRUSTED: [&str; 3] =
    ["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];

/// Refuses a folder of somebody whom this process has no reason to obey, and a link to one.
pub(in super::super::super) fn check_owner(folder: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(folder)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is a link or a file"));
    }
    let owner = owner(folder)?;
    if is_trusted(&owner, &own()?) {
        return Ok(());
    }
    let why =
        format!("it belongs to {owner}, neither the system's nor the administrators' nor ours");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn is_trusted(owner: &str, own: &str) -> bool {
    TRUSTED.contains(&owner) || owner == own
}

fn owner(folder: &Path) -> io::Result<String> {
    let name = wide(folder);
    let (mut owner, mut descriptor) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the name ends with a zero; the owner is read before the descriptor, which it lies in,
    // is freed, once.
    unsafe {
        let code = GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            &raw mut descriptor,
        );
        if code != ERROR_SUCCESS {
            return Err(io::Error::from_raw_os_error(code.cast_signed()));
        }
        let told = text(owner);
        LocalFree(descriptor);
        told
    }
}

/// The user whom this process runs as.
fn own() -> io::Result<String> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the token has a place.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // Room for the structure and the longest identifier behind it, aligned for both.
    let (mut user, mut size) = ([0_u64; 32], 0);
    // SAFETY: the answer has the place that it is said to have, and is of its class' kind.
    unsafe {
        let at = user.as_mut_ptr();
        let room = u32::try_from(size_of_val(&user)).expect("a small structure");
        let token = token.as_raw_handle();
        if GetTokenInformation(token, TokenUser, at.cast(), room, &raw mut size) == 0 {
            return Err(io::Error::last_os_error());
        }
        text((*at.cast::<TOKEN_USER>()).User.Sid)
    }
}

/// # Safety
///
/// `sid` is a security identifier.
unsafe fn text(sid: PSID) -> io::Result<String> {
    let mut text = std::ptr::null_mut();
    // SAFETY: the caller promises the identifier; what Windows gives is freed once.
    unsafe {
        if ConvertSidToStringSidW(sid, &raw mut text) == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(take(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_is_trusted_and_anybody_elses_is_not() {
        let place = tempfile::tempdir().unwrap();
        check_owner(place.path()).unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check_owner(&file).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        let missing = check_owner(&place.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let own = own().unwrap();
        assert!(own.starts_with("S-1-5-"), "{own}");
        assert!(is_trusted("S-1-5-18", &own) && is_trusted("S-1-5-32-544", &own));
        // Everybody, nobody, the users of this host.
        for other in ["S-1-1-0", "S-1-5-7", "S-1-5-32-545"] {
            assert!(!is_trusted(other, &own), "{other}");
        }
    }
}
