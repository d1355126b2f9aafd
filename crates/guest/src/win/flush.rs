//! Writing the registry to disk, now, or not at all.
//!
//! Wine's server does so when it ends and every half minute, and `RegFlushKey` does nothing. So
//! each branch is saved the way that a backup program does it, in the server's own format, beside
//! its file, and then takes that file's place.
//!
//! The server writes all that it has read once in any case: a megabyte and a half of the machine's keys
//! at the end of every session, most of which change nothing in them. So it is asked to tell of changes,
//! and where there was none the session ends without it.

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, WAIT_TIMEOUT};
use windows_sys::Win32::Storage::FileSystem::{
    MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_READ, REG_LATEST_FORMAT,
    REG_NOTIFY_CHANGE_LAST_SET, REG_NOTIFY_CHANGE_NAME, RegCloseKey, RegNotifyChangeKeyValue,
    RegOpenKeyExW, RegSaveKeyExW,
};
use windows_sys::Win32::System::Threading::{CreateEventW, WaitForSingleObject};

use super::error;
use super::handle::Handle;
use super::text::wide;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn RtlAdjustPrivilege(privilege: u32, enable: u8, thread: u8, before: *mut u8) -> i32;
}

/// Writes all three branches.
pub(super) fn flush() -> Result<(), Failure> {
    [Branch::machine(), Branch::user(), Branch::default_user()?].iter().try_for_each(Branch::save)
}

/// Whether anything became another since this was made.
pub(super) struct Changes {
    /// Too large to write where nothing did.
    large: [(Branch, Handle); 2],
    /// Every program that looks for a font makes a key here.
    user: (Branch, Handle),
}

impl Changes {
    /// Notes each change from here on.
    pub(super) fn watch() -> Result<Self, Failure> {
        let noted = |branch: Branch| branch.watch().map(|event| (branch, event));
        let large = [noted(Branch::machine())?, noted(Branch::default_user()?)?];
        Ok(Self { large, user: noted(Branch::user())? })
    }

    /// Has everything on the disk that shall outlive the session; `false` leaves it to the server.
    pub(super) fn settle(&self) -> bool {
        let changed = |(_, event): &(Branch, Handle)| {
            // SAFETY: the handle is open.
            unsafe { WaitForSingleObject(event.raw(), 0) != WAIT_TIMEOUT }
        };
        !self.large.iter().any(changed) && (!changed(&self.user) || self.user.0.save().is_ok())
    }
}

/// A part of the registry with a file of its own.
struct Branch {
    key: HKEY,
    file: &'static str,
    /// Opened for this.
    own: bool,
}

// SAFETY: the handle of a key is a number that any thread of the process may use.
unsafe impl Send for Branch {}
// SAFETY: as above; what is done through it is synchronised by the system.
unsafe impl Sync for Branch {}

impl Branch {
    fn machine() -> Self {
        Self { key: HKEY_LOCAL_MACHINE, file: "system.reg", own: false }
    }

    fn user() -> Self {
        Self { key: HKEY_CURRENT_USER, file: "user.reg", own: false }
    }

    fn default_user() -> Result<Self, Failure> {
        let mut key = std::ptr::null_mut();
        let name = wide(".Default");
        // SAFETY: the path is zero-terminated.
        match unsafe { RegOpenKeyExW(HKEY_USERS, name.as_ptr(), 0, KEY_READ, &raw mut key) } {
            ERROR_SUCCESS => Ok(Self { key, file: "userdef.reg", own: true }),
            code => Err(error::failure(code, "opening the default user's registry")),
        }
    }

    /// An event that the first change sets.
    fn watch(&self) -> Result<Handle, Failure> {
        let doing = "watching the registry";
        // SAFETY: it has no name and nobody inherits it.
        let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
        let event = Handle::own(event).ok_or_else(|| error::last(doing))?;
        let what = REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET;
        // SAFETY: the key and the event are open.
        match unsafe { RegNotifyChangeKeyValue(self.key, 1, what, event.raw(), 1) } {
            ERROR_SUCCESS => Ok(event),
            code => Err(error::failure(code, doing)),
        }
    }

    fn save(&self) -> Result<(), Failure> {
        enable_backup()?;
        let prefix = std::env::var("WINEPREFIX").map_err(|_| Failure {
            code: 3,
            message: "the environment does not tell where Wine keeps the registry".into(),
        })?;
        let path = format!(r"\\?\unix{}\{}", prefix.replace('/', r"\"), self.file);
        let doing = format!("writing the registry to {path}");
        let beside = wide(&format!("{path}.new"));
        let nobody = std::ptr::null();
        // SAFETY: the key is open, the path zero-terminated.
        match unsafe { RegSaveKeyExW(self.key, beside.as_ptr(), nobody, REG_LATEST_FORMAT) } {
            ERROR_SUCCESS => {}
            code => return Err(error::failure(code, &doing)),
        }
        let how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
        // SAFETY: both paths are zero-terminated.
        match unsafe { MoveFileExW(beside.as_ptr(), wide(&path).as_ptr(), how) } {
            0 => Err(error::last(&doing)),
            _ => Ok(()),
        }
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        if self.own {
            // SAFETY: opened by this value.
            unsafe { RegCloseKey(self.key) };
        }
    }
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
