//! The service itself, files for machines, and what these doubles have none of.

#![expect(unsafe_code, reason = "exports called from C")]

use std::ffi::c_void;
use std::fs::OpenOptions;

use hcs_emulator::client::{self, Client, text};
use hcs_emulator::{codes, layers};

use super::{Result, Text, request};

/// # Safety
///
/// The text ends with a zero; `result` is null or a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsGetServiceProperties(
    query: Text,
    result: *mut *mut u16,
) -> Result {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    let answer = client.ask(request("HcsGetServiceProperties", 0, &[query]));
    // SAFETY: as the caller promises.
    unsafe { text::give(result, &answer.document) };
    answer.result
}

/// # Safety
///
/// The text ends with a zero; `result` is null or a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsModifyServiceSettings(
    settings: Text,
    result: *mut *mut u16,
) -> Result {
    let Some(client) = client::client() else { return codes::SERVICE_NOT_AVAILABLE };
    let answer = client.ask(request("HcsModifyServiceSettings", 0, &[settings]));
    // SAFETY: as the caller promises.
    unsafe { text::give(result, &answer.document) };
    answer.result
}

fn read(text: Text) -> String {
    // SAFETY: callers of every export give null or what ends with a zero.
    unsafe { text::read(text) }
}

fn done(call: &str, work: impl FnOnce() -> std::result::Result<(), u32>) -> Result {
    match Client::fault(call) {
        Some(result) => result,
        None => work().err().unwrap_or(codes::OK),
    }
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGrantVmAccess(machine: Text, file: Text) -> Result {
    done("HcsGrantVmAccess", || layers::grant(&read(machine), read(file).as_ref()))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsRevokeVmAccess(machine: Text, file: Text) -> Result {
    done("HcsRevokeVmAccess", || layers::grant(&read(machine), read(file).as_ref()))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsGrantVmGroupAccess(file: Text) -> Result {
    done("HcsGrantVmGroupAccess", || layers::grant("all", read(file).as_ref()))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsRevokeVmGroupAccess(file: Text) -> Result {
    done("HcsRevokeVmGroupAccess", || layers::grant("all", read(file).as_ref()))
}

fn make(file: Text) -> std::result::Result<(), u32> {
    let made = OpenOptions::new().write(true).create_new(true).open(read(file));
    made.map(drop).map_err(|error| codes::of_io(&error))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCreateEmptyGuestStateFile(file: Text) -> Result {
    done("HcsCreateEmptyGuestStateFile", || make(file))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn HcsCreateEmptyRuntimeStateFile(file: Text) -> Result {
    done("HcsCreateEmptyRuntimeStateFile", || make(file))
}

/// Machines, and containers that are named apart from others: there are none here.
macro_rules! unsupported {
    ($($name:ident($($argument:ty),*);)+) => {$(
        #[unsafe(no_mangle)]
        pub(crate) extern "system" fn $name($(_: $argument),*) -> Result {
            codes::NOT_SUPPORTED
        }
    )+};
}

unsupported! {
    HcsSubmitWerReport(Text);
    HcsGetProcessorCompatibilityFromSavedState(Text, *mut *mut u16);
    HcsCreateComputeSystemInNamespace(Text, Text, Text, u64, *const c_void, *mut u64);
    HcsOpenComputeSystemInNamespace(Text, Text, u32, *mut u64);
    HcsEnumerateComputeSystemsInNamespace(Text, Text, u64);
    HcsInitializeLiveMigrationOnSource(u64, u64, Text);
    HcsStartLiveMigrationOnSource(u64, u64, Text);
    HcsStartLiveMigrationTransfer(u64, u64, Text);
    HcsFinalizeLiveMigration(u64, u64, Text);
    HcsCancelLiveMigration(u64, u64, Text);
}
