//! Writing the registry to disk now.
//!
//! Wine's server does so when it ends and every half minute, and `RegFlushKey` does nothing. So
//! each branch is saved the way that a backup program does it, in the server's own format, beside
//! its file, and then takes that file's place.

use schema::guest::Failure;
use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::Storage::FileSystem::{
    MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_READ, REG_LATEST_FORMAT,
    RegCloseKey, RegOpenKeyExW, RegSaveKeyExW,
};

use super::error;
use super::text::wide;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn RtlAdjustPrivilege(privilege: u32, enable: u8, thread: u8, before: *mut u8) -> i32;
}

/// Writes all three branches.
pub(super) fn flush() -> Result<(), Failure> {
    enable_backup()?;
    let prefix = std::env::var("WINEPREFIX").map_err(|_| Failure {
        code: 3,
        message: "the environment does not tell where Wine keeps the registry".into(),
    })?;
    let directory = format!(r"\\?\unix{}", prefix.replace('/', r"\"));
    save(HKEY_LOCAL_MACHINE, &format!(r"{directory}\system.reg"))?;
    save(HKEY_CURRENT_USER, &format!(r"{directory}\user.reg"))?;
    let defaults = default_user()?;
    let saved = save(defaults, &format!(r"{directory}\userdef.reg"));
    // SAFETY: opened above.
    unsafe { RegCloseKey(defaults) };
    saved
}

fn enable_backup() -> Result<(), Failure> {
    const SE_BACKUP_PRIVILEGE: u32 = 17;
    let mut before = 0;
    // SAFETY: changes this process' token only.
    match unsafe { RtlAdjustPrivilege(SE_BACKUP_PRIVILEGE, 1, 0, &raw mut before) } {
        0 => Ok(()),
        status => Err(error::from_status(status, "taking the backup privilege")),
    }
}

fn default_user() -> Result<HKEY, Failure> {
    let mut key = std::ptr::null_mut();
    // SAFETY: the path is zero-terminated.
    let code =
        unsafe { RegOpenKeyExW(HKEY_USERS, wide(".Default").as_ptr(), 0, KEY_READ, &raw mut key) };
    match code {
        ERROR_SUCCESS => Ok(key),
        code => Err(error::failure(code, "opening the default user's registry")),
    }
}

fn save(key: HKEY, path: &str) -> Result<(), Failure> {
    let doing = format!("writing the registry to {path}");
    let beside = wide(&format!("{path}.new"));
    // SAFETY: the path is zero-terminated.
    match unsafe { RegSaveKeyExW(key, beside.as_ptr(), std::ptr::null(), REG_LATEST_FORMAT) } {
        ERROR_SUCCESS => {}
        code => return Err(error::failure(code, &doing)),
    }
    let how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    // SAFETY: both paths are zero-terminated.
    match unsafe { MoveFileExW(beside.as_ptr(), wide(path).as_ptr(), how) } {
        0 => Err(error::last(&doing)),
        _ => Ok(()),
    }
}
