//! The results that HCS gives, by the names of its header.

/// Done.
pub const OK: u32 = 0;
/// The call goes on; its completion comes later.
pub const PENDING: u32 = 0xC037_0103;
/// Not in this state.
pub const INVALID_STATE: u32 = 0xC037_0105;
/// The document is not understood.
pub const INVALID_JSON: u32 = 0xC037_010D;
/// No such compute system.
pub const SYSTEM_NOT_FOUND: u32 = 0xC037_010E;
/// The id is taken.
pub const SYSTEM_EXISTS: u32 = 0xC037_010F;
/// It has stopped.
pub const ALREADY_STOPPED: u32 = 0xC037_0110;
/// The wait has elapsed.
pub const OPERATION_TIMEOUT: u32 = 0x8037_0118;
/// The process has stopped.
pub const PROCESS_ALREADY_STOPPED: u32 = 0x8037_011F;
/// The operation was never given to a call.
pub const OPERATION_NOT_STARTED: u32 = 0x8037_0115;
/// The operation has no result yet.
pub const OPERATION_PENDING: u32 = 0x8037_0117;
/// Element not found, as a result.
pub const NOT_FOUND: u32 = 0x8007_0490;
/// A parameter is wrong.
pub const INVALID_ARGUMENT: u32 = 0x8007_0057;
/// A handle is none.
pub const INVALID_HANDLE: u32 = 0x8007_0006;
/// Not supported.
pub const NOT_SUPPORTED: u32 = 0x8007_0032;
/// A layer is not ready.
pub const NOT_READY: u32 = 0x8007_0015;
/// The service cannot be reached.
pub const SERVICE_NOT_AVAILABLE: u32 = 0x8037_0114;
/// The exit code of a process that was terminated (`ERROR_PROCESS_ABORTED`).
pub const PROCESS_ABORTED: u32 = 1067;

/// A Windows error as a result.
pub fn of_win32(error: u32) -> u32 {
    if error == 0 { OK } else { 0x8007_0000 | (error & 0xffff) }
}

/// Whether a result is a failure.
pub fn failed(result: u32) -> bool {
    result & 0x8000_0000 != 0
}

/// What Windows says about a result.
pub fn text(result: u32) -> &'static str {
    match result {
        INVALID_STATE => {
            "The requested virtual machine or container operation is not valid in the current state."
        }
        INVALID_JSON => "The virtual machine or container JSON document is invalid.",
        SYSTEM_NOT_FOUND => {
            "A virtual machine or container with the specified identifier does not exist."
        }
        SYSTEM_EXISTS => {
            "A virtual machine or container with the specified identifier already exists."
        }
        ALREADY_STOPPED => {
            "The virtual machine or container with the specified identifier is not running."
        }
        PROCESS_ALREADY_STOPPED => "The process has already exited.",
        NOT_FOUND => "Element not found.",
        0x8007_0002 => "The system cannot find the file specified.",
        0x8007_0005 => "Access is denied.",
        0x8007_0003 => "The system cannot find the path specified.",
        0x8007_010B => "The directory name is invalid.",
        NOT_SUPPORTED => "The request is not supported.",
        _ => "The operation failed.",
    }
}
