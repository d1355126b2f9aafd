//! Registering the service, with what happens when it fails, and its source in the event log.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_WRITE, REG_DWORD, REG_EXPAND_SZ, REG_OPTION_NON_VOLATILE,
    RegCloseKey, RegCreateKeyExW, RegDeleteTreeW, RegSetValueExW,
};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, CloseServiceHandle, ControlService, CreateServiceW, DeleteService,
    OpenSCManagerW, OpenServiceW, QueryServiceStatus, SC_ACTION, SC_ACTION_RESTART, SC_HANDLE,
    SC_MANAGER_ALL_ACCESS, SERVICE_ALL_ACCESS, SERVICE_AUTO_START, SERVICE_CONFIG_DESCRIPTION,
    SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONTROL_STOP, SERVICE_DESCRIPTIONW,
    SERVICE_ERROR_NORMAL, SERVICE_FAILURE_ACTIONSW, SERVICE_STATUS, SERVICE_STOPPED,
    SERVICE_WIN32_OWN_PROCESS,
};

use super::super::super::text::wide;
use super::NAME;

/// Where sources of the event log are.
const SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\Transom";
/// Carries messages that are no more than their text.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
const DESCRIPTION: &str = "Starts Transom's containers that restart by themselves.";
/// After a failure, in milliseconds; counted anew after a day.
const AGAIN: [u32; 3] = [5_000, 30_000, 60_000];
const DAY: u32 = 24 * 60 * 60;

/// How long a service may take to stop, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// A handle of the service control manager.
struct Handle(SC_HANDLE);

impl Handle {
    fn new(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open, and closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn manager() -> io::Result<Handle> {
    // SAFETY: no names: this machine's own.
    Handle::new(unsafe {
        OpenSCManagerW(std::ptr::null(), std::ptr::null(), SC_MANAGER_ALL_ACCESS)
    })
}

/// Registers `program` with these arguments, to start with Windows. All or nothing.
pub fn install(program: &Path, arguments: &str) -> io::Result<()> {
    let manager = manager()?;
    let (name, line) = (wide(NAME), wide(format!("\"{}\" {arguments}", program.display())));
    // After the service that runs containers.
    let after = wide("vmcompute\0");
    let none = std::ptr::null();
    // SAFETY: every text ends with a zero, the list with two.
    let service = unsafe {
        CreateServiceW(
            manager.0,
            name.as_ptr(),
            name.as_ptr(),
            SERVICE_ALL_ACCESS,
            SERVICE_WIN32_OWN_PROCESS,
            SERVICE_AUTO_START,
            SERVICE_ERROR_NORMAL,
            line.as_ptr(),
            none,
            std::ptr::null_mut(),
            after.as_ptr(),
            none,
            none,
        )
    };
    let service = Handle::new(service)?;
    let settled = describe(&service).and_then(|()| make_source());
    settled.inspect_err(|_| {
        // SAFETY: the handle is open. The first failure is the one to tell.
        unsafe { DeleteService(service.0) };
    })
}

fn describe(service: &Handle) -> io::Result<()> {
    let mut text = wide(DESCRIPTION);
    let description = SERVICE_DESCRIPTIONW { lpDescription: text.as_mut_ptr() };
    let mut actions = AGAIN.map(|delay| SC_ACTION { Type: SC_ACTION_RESTART, Delay: delay });
    let failures = SERVICE_FAILURE_ACTIONSW {
        dwResetPeriod: DAY,
        lpRebootMsg: std::ptr::null_mut(),
        lpCommand: std::ptr::null_mut(),
        cActions: 3,
        lpsaActions: actions.as_mut_ptr(),
    };
    // SAFETY: the structures are whole, and what they point to lives through the calls.
    let done = unsafe {
        ChangeServiceConfig2W(
            service.0,
            SERVICE_CONFIG_DESCRIPTION,
            (&raw const description).cast(),
        ) != 0
            && ChangeServiceConfig2W(
                service.0,
                SERVICE_CONFIG_FAILURE_ACTIONS,
                (&raw const failures).cast(),
            ) != 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn make_source() -> io::Result<()> {
    let (path, mut key): (_, HKEY) = (wide(SOURCE), std::ptr::null_mut());
    // SAFETY: the path ends with a zero, and the key has a place.
    let code = unsafe {
        RegCreateKeyExW(
            HKEY_LOCAL_MACHINE,
            path.as_ptr(),
            0,
            std::ptr::null(),
            REG_OPTION_NON_VOLATILE,
            KEY_WRITE,
            std::ptr::null(),
            &raw mut key,
            std::ptr::null_mut(),
        )
    };
    checked(code)?;
    let messages: Vec<u8> = wide(MESSAGES).iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let set = set(key, "EventMessageFile", REG_EXPAND_SZ, &messages)
        .and_then(|()| set(key, "TypesSupported", REG_DWORD, &7_u32.to_le_bytes()));
    // SAFETY: the key is open, and closed once.
    unsafe { RegCloseKey(key) };
    set
}

fn set(key: HKEY, name: &str, kind: u32, value: &[u8]) -> io::Result<()> {
    let name = wide(name);
    let length = u32::try_from(value.len()).expect("a short value");
    // SAFETY: the name ends with a zero, and the value is as long as it is said to be.
    checked(unsafe { RegSetValueExW(key, name.as_ptr(), 0, kind, value.as_ptr(), length) })
}

fn checked(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code.cast_signed()))
    }
}

/// Tells a service to stop, and waits until it has: one that runs keeps its registration.
fn stop(service: &Handle) -> io::Result<()> {
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the handle is open, and the status has a place. One that does not run is told below.
    unsafe { ControlService(service.0, SERVICE_CONTROL_STOP, &raw mut status) };
    let begun = Instant::now();
    loop {
        // SAFETY: as above.
        if unsafe { QueryServiceStatus(service.0, &raw mut status) } == 0 {
            return Err(io::Error::last_os_error());
        }
        if status.dwCurrentState == SERVICE_STOPPED {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(LOOK);
    }
}

/// Stops it, and takes the registration back, and the source. One that is gone is a success.
pub fn uninstall() -> io::Result<()> {
    let (manager, name, source) = (manager()?, wide(NAME), wide(SOURCE));
    // SAFETY: the handle is open, and the names end with zeros. No source is nothing to remove.
    let service = unsafe {
        RegDeleteTreeW(HKEY_LOCAL_MACHINE, source.as_ptr());
        OpenServiceW(manager.0, name.as_ptr(), SERVICE_ALL_ACCESS)
    };
    let service = match Handle::new(service) {
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) => {
            return Ok(());
        }
        other => other?,
    };
    stop(&service)?;
    // SAFETY: the handle is open.
    if unsafe { DeleteService(service.0) } == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
