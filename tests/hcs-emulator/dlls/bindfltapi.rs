//! `bindfltapi.dll`, the test double: paths that lead elsewhere, for one silo.
//!
//! Windows makes a job a silo in its kernel, which Wine does not. So this DLL takes the program's own
//! imports of the calls that it needs to itself when it is loaded ([`imports`]): a job becomes a silo by
//! this double's books, and stops being one when it is ended. A program that looks for the call that
//! limits a job's disk, which Wine lacks too, finds one that keeps a silo's limits in the books.

#![cfg(windows)]
#![expect(unsafe_code, reason = "exports called from C")]
#![expect(missing_docs, reason = "Windows documents them")]

#[path = "bindfltapi/imports.rs"]
mod imports;

use std::ffi::{CStr, c_void};

use hcs_emulator::client::{Client, text};
use hcs_emulator::{codes, silos};
use windows_sys::Win32::Foundation::{
    ERROR_BAD_LENGTH, ERROR_INVALID_PARAMETER, FARPROC, HANDLE, SetLastError,
};
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_IO_RATE_CONTROL_ENABLE, JOBOBJECT_IO_RATE_CONTROL_INFORMATION, JobObjectCreateSilo,
    SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::LibraryLoader::GetProcAddress;
use windows_sys::Win32::System::SystemServices::DLL_PROCESS_ATTACH;

type Text = *const u16;

#[unsafe(no_mangle)]
pub extern "system" fn DllMain(_module: HANDLE, reason: u32, _reserved: *const c_void) -> i32 {
    if reason == DLL_PROCESS_ATTACH {
        imports::take(c"SetInformationJobObject", set_information as *const c_void);
        imports::take(c"TerminateJobObject", terminate as *const c_void);
        imports::take(c"GetProcAddress", find as *const c_void);
    }
    1
}

/// # Safety
///
/// Both texts are null or end with zeros.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn BfSetupFilter(
    job: HANDLE,
    flags: u32,
    at: Text,
    target: Text,
    exceptions: *const Text,
    count: u32,
) -> u32 {
    Client::on_layers("BfSetupFilter", || {
        if !exceptions.is_null() || count != 0 {
            return Err(codes::INVALID_ARGUMENT);
        }
        // SAFETY: as the caller promises.
        let (at, target) = unsafe { (text::read(at), text::read(target)) };
        silos::bind(job, flags, &at, &target)
    })
}

/// `SetInformationJobObject`, for whoever loaded this DLL: silos are this double's, all else Windows'.
unsafe extern "system" fn set_information(
    job: HANDLE,
    class: i32,
    value: *const c_void,
    size: u32,
) -> i32 {
    if class != JobObjectCreateSilo {
        // SAFETY: as the caller has it.
        return unsafe { SetInformationJobObject(job, class, value, size) };
    }
    let promoted = match Client::fault("JobObjectCreateSilo") {
        Some(result) => Err(result & 0xffff),
        None if !value.is_null() || size != 0 => Err(ERROR_BAD_LENGTH),
        None => silos::promote(job),
    };
    let Err(error) = promoted else { return 1 };
    // SAFETY: only a number of this thread's is set.
    unsafe { SetLastError(error) };
    0
}

/// `TerminateJobObject`, for whoever loaded this DLL.
unsafe extern "system" fn terminate(job: HANDLE, code: u32) -> i32 {
    // SAFETY: as the caller has it.
    let done = unsafe { TerminateJobObject(job, code) };
    silos::end(job);
    done
}

/// `GetProcAddress`, for whoever loaded this DLL.
///
/// # Safety
///
/// The name is a text that ends with a zero, or a number.
unsafe extern "system" fn find(module: HANDLE, name: *const u8) -> FARPROC {
    let is_number = u16::try_from(name.addr()).is_ok();
    // SAFETY: as the caller promises; whoever looks for this function calls it as what it is.
    unsafe {
        if !is_number && CStr::from_ptr(name.cast()) == c"SetIoRateControlInformationJobObject" {
            let found = limit_disk as *const c_void;
            return std::mem::transmute::<*const c_void, FARPROC>(found);
        }
        GetProcAddress(module, name)
    }
}

/// `SetIoRateControlInformationJobObject`.
///
/// # Safety
///
/// `control` is null or what it says that it is.
unsafe extern "system" fn limit_disk(
    job: HANDLE,
    control: *const JOBOBJECT_IO_RATE_CONTROL_INFORMATION,
) -> u32 {
    // SAFETY: as the caller promises.
    let limited = match unsafe { control.as_ref() } {
        Some(control) if is_right(control) => {
            silos::limit(job, control.MaxIops, control.MaxBandwidth)
        }
        _ => Err(ERROR_INVALID_PARAMETER),
    };
    let Err(error) = limited else { return 1 };
    // SAFETY: only a number of this thread's is set.
    unsafe { SetLastError(error) };
    0
}

/// Limits of all volumes, and nothing beside.
fn is_right(control: &JOBOBJECT_IO_RATE_CONTROL_INFORMATION) -> bool {
    let limits = [control.MaxIops, control.MaxBandwidth];
    control.ControlFlags == JOB_OBJECT_IO_RATE_CONTROL_ENABLE.cast_unsigned()
        && control.VolumeName.is_null()
        && (control.ReservationIops, control.BaseIoSize) == (0, 0)
        && limits.iter().all(|limit| *limit >= 0)
        && limits != [0, 0]
}
