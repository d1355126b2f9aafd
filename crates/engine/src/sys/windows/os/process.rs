//! Other processes of this host, and this one's standing.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::Security::{
    AllocateAndInitializeSid, CheckTokenMembership, FreeSid, PSID, SECURITY_NT_AUTHORITY,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, DETACHED_PROCESS, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, QueryFullProcessImageNameW, TerminateProcess,
    WaitForSingleObject,
};

use super::super::starting;

/// `SECURITY_BUILTIN_DOMAIN_RID`, `DOMAIN_ALIAS_RID_ADMINS`.
const ADMINISTRATORS: [u32; 2] = [0x20, 0x220];
/// What one who is killed ends with.
const KILLED: u32 = 1067;

/// What [`is_privileged`] asks for, for a message.
pub const PRIVILEGE: &str = "an elevated administrator, to reach the Host Compute Service";

/// This process may do what containers need.
pub fn is_privileged() -> bool {
    let mut sid: PSID = std::ptr::null_mut();
    let mut is_member = 0;
    // SAFETY: the authority is whole, the results have places, and the identifier is freed once.
    unsafe {
        let [domain, group] = ADMINISTRATORS;
        let authority = SECURITY_NT_AUTHORITY;
        let made = AllocateAndInitializeSid(
            &raw const authority,
            2,
            domain,
            group,
            0,
            0,
            0,
            0,
            0,
            0,
            &raw mut sid,
        );
        if made == 0 {
            return false;
        }
        let known = CheckTokenMembership(std::ptr::null_mut(), sid, &raw mut is_member);
        FreeSid(sid);
        known != 0 && is_member != 0
    }
}

/// Starts a program: it inherits its own streams, and none of a process in a job. Its console, if it
/// is a program that has one, is not seen.
pub fn start(command: &mut Command) -> io::Result<Child> {
    command.creation_flags(CREATE_NO_WINDOW);
    let _alone = starting::alone();
    command.spawn()
}

/// Has a program started without a console. One that is started from where there is none would get
/// its own, with a window for as long as it and its children live, and with a host that under Wine
/// inherits the program's streams: who reads them to their end would wait for all of those.
pub fn without_console(command: &mut std::process::Command) {
    command.creation_flags(DETACHED_PROCESS);
}

/// Windows has no such limit.
pub fn open_many() {}

/// Leaves the terminal that this process was started from: one that is started apart has none.
pub fn leave_session() -> io::Result<()> {
    Ok(())
}

/// Windows has no such ids: a container's drive is no folder of this host.
pub fn act_as(_id: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A process that somebody else started.
#[derive(Debug, Clone)]
pub struct Watched(Arc<OwnedHandle>);

impl Watched {
    /// The process with this id, if there is one.
    pub fn open(pid: u32) -> Option<Self> {
        let access = PROCESS_SYNCHRONIZE | PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION;
        // SAFETY: no pointers.
        let handle = unsafe { OpenProcess(access, 0, pid) };
        // SAFETY: the handle is new and nobody else's.
        (!handle.is_null()).then(|| Self(Arc::new(unsafe { OwnedHandle::from_raw_handle(handle) })))
    }

    /// It runs this program. Ids are used again; here the folder it was started in is not told.
    pub fn runs(&self, program: &str, _folder: &Path) -> bool {
        let mut path = [0_u16; 1024];
        let mut length = 1024;
        // SAFETY: the handle is open, and the path has the place that it is said to have.
        let done = unsafe {
            QueryFullProcessImageNameW(
                self.0.as_raw_handle(),
                0,
                path.as_mut_ptr(),
                &raw mut length,
            )
        };
        let path = String::from_utf16_lossy(&path[..length as usize]).to_lowercase();
        done != 0 && path.contains(&program.to_lowercase())
    }

    /// Ends it; one that has ended stays so.
    pub fn kill(&self) {
        // SAFETY: the handle is open.
        unsafe { TerminateProcess(self.0.as_raw_handle(), KILLED) };
    }

    /// Waits until it has ended.
    pub async fn ended(self, limit: Duration) -> io::Result<()> {
        let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1);
        let waiting = tokio::task::spawn_blocking(move || {
            // SAFETY: the handle is open.
            unsafe { WaitForSingleObject(self.0.as_raw_handle(), limit) }
        });
        match waiting.await {
            Ok(WAIT_OBJECT_0) => Ok(()),
            Ok(WAIT_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
