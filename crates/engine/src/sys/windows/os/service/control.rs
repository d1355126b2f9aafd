//! Running as a service: what the manager asks, and what it is told.

use std::ffi::c_void;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use windows_sys::Win32::Foundation::ERROR_FAILED_SERVICE_CONTROLLER_CONNECT;
use windows_sys::Win32::Foundation::{ERROR_CALL_NOT_IMPLEMENTED, ERROR_SUCCESS};
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_SHUTDOWN, SERVICE_ACCEPT_STOP,
    SERVICE_CONTROL_INTERROGATE, SERVICE_CONTROL_SHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING,
    SERVICE_STATUS, SERVICE_STATUS_CURRENT_STATE, SERVICE_STATUS_HANDLE, SERVICE_STOP_PENDING,
    SERVICE_STOPPED, SERVICE_TABLE_ENTRYW, SERVICE_WIN32_OWN_PROCESS, SetServiceStatus,
    StartServiceCtrlDispatcherW,
};

use super::super::super::text::wide;
use super::NAME;

/// Tells when the service is to end.
pub type Stopped = oneshot::Receiver<()>;

type Work = Box<dyn FnOnce(Stopped) -> bool + Send>;

/// The manager calls without a context of ours: there is one service in a process.
static WORK: Mutex<Option<Work>> = Mutex::new(None);
static STOP: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);
static STATUS: Mutex<usize> = Mutex::new(0);
/// What a service that failed by itself ends with, so that it is started again.
const FAILED: u32 = 1;

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Does `work` as a service, until it is told to stop; it tells whether it went well. `false` when
/// the manager did not start this process, and nothing was done.
pub fn run(work: impl FnOnce(Stopped) -> bool + Send + 'static) -> io::Result<bool> {
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    let mut name = wide(NAME);
    let table = [
        SERVICE_TABLE_ENTRYW { lpServiceName: name.as_mut_ptr(), lpServiceProc: Some(main) },
        SERVICE_TABLE_ENTRYW::default(),
    ];
    // SAFETY: the table ends with an empty entry, and lives as long as the services run.
    if unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) } != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    let by_hand = ERROR_FAILED_SERVICE_CONTROLLER_CONNECT.cast_signed();
    if error.raw_os_error() == Some(by_hand) { Ok(false) } else { Err(error) }
}

unsafe extern "system" fn main(_count: u32, _arguments: *mut *mut u16) {
    let name = wide(NAME);
    // SAFETY: the name ends with a zero; the handler needs no context.
    let status =
        unsafe { RegisterServiceCtrlHandlerExW(name.as_ptr(), Some(control), std::ptr::null()) };
    *STATUS.lock().unwrap_or_else(PoisonError::into_inner) = status.addr();
    let Some(work) = take(&WORK) else { return };
    let (stop, stopped) = oneshot::channel();
    *STOP.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    tell(SERVICE_RUNNING, ERROR_SUCCESS);
    let went_well = work(stopped);
    tell(SERVICE_STOPPED, if went_well { ERROR_SUCCESS } else { FAILED });
}

unsafe extern "system" fn control(
    asked: u32,
    _kind: u32,
    _data: *mut c_void,
    _context: *mut c_void,
) -> u32 {
    match asked {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_SHUTDOWN => {
            tell(SERVICE_STOP_PENDING, ERROR_SUCCESS);
            // It may be on its way out by itself.
            take(&STOP).and_then(|stop| stop.send(()).ok());
            ERROR_SUCCESS
        }
        SERVICE_CONTROL_INTERROGATE => ERROR_SUCCESS,
        _ => ERROR_CALL_NOT_IMPLEMENTED,
    }
}

fn tell(state: SERVICE_STATUS_CURRENT_STATE, code: u32) {
    let accepted =
        if state == SERVICE_RUNNING { SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN } else { 0 };
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: accepted,
        dwWin32ExitCode: code,
        dwServiceSpecificExitCode: 0,
        dwCheckPoint: 0,
        dwWaitHint: if state == SERVICE_STOP_PENDING { 30_000 } else { 0 },
    };
    let handle = *STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    let handle: SERVICE_STATUS_HANDLE = std::ptr::without_provenance_mut(handle);
    // SAFETY: the handle is the manager's for this service, and the status is whole.
    unsafe { SetServiceStatus(handle, &raw const status) };
}
