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
/// `ERROR_INVALID_DATA`.
pub const INVALID_DATA: u32 = 0x8007_000D;
/// `ERROR_PRIVILEGE_NOT_HELD`.
pub const PRIVILEGE_NOT_HELD: u32 = 0x8007_0522;
/// `ERROR_FILE_NOT_FOUND`.
pub const NO_FILE: u32 = 0x8007_0002;
/// `ERROR_PATH_NOT_FOUND`.
pub const NO_PATH: u32 = 0x8007_0003;
/// `ERROR_SHARING_VIOLATION`: it is in use.
pub const IN_USE: u32 = 0x8007_0020;
/// `ERROR_INSUFFICIENT_BUFFER`.
pub const BUFFER_TOO_SMALL: u32 = 0x8007_007A;
/// `ERROR_ALREADY_EXISTS`.
pub const EXISTS: u32 = 0x8007_00B7;
/// `ERROR_FLT_INSTANCE_NOT_FOUND`: no filter is attached.
pub const NO_FILTER: u32 = 0x801F_0015;
/// No such network.
pub const NETWORK_NOT_FOUND: u32 = 0x803B_0001;
/// No such endpoint.
pub const ENDPOINT_NOT_FOUND: u32 = 0x803B_0002;
/// The network is there.
pub const NETWORK_EXISTS: u32 = 0x803B_0010;
/// A port of the host is another endpoint's.
pub const PORT_EXISTS: u32 = 0x803B_0013;
/// The endpoint is in a namespace.
pub const ENDPOINT_ATTACHED: u32 = 0x803B_002B;
/// The endpoint is in no namespace, or in another.
pub const ENDPOINT_NOT_ATTACHED: u32 = 0x803B_0034;
/// The network service does not understand the document.
pub const NETWORK_INVALID_JSON: u32 = 0x803B_001B;
/// The network service does not do this.
pub const NETWORK_UNSUPPORTED: u32 = 0x803B_0015;
/// The exit code of a process that was terminated (`ERROR_PROCESS_ABORTED`).
pub const PROCESS_ABORTED: u32 = 1067;

/// A Windows error as a result.
pub fn of_win32(error: u32) -> u32 {
    if error == 0 { OK } else { 0x8007_0000 | (error & 0xffff) }
}

/// A Windows error that Rust's library met, as a result.
pub fn of_io(error: &std::io::Error) -> u32 {
    of_win32(error.raw_os_error().unwrap_or(1).cast_unsigned())
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
        NO_FILE => "The system cannot find the file specified.",
        0x8007_0005 => "Access is denied.",
        NO_PATH => "The system cannot find the path specified.",
        0x8007_010B => "The directory name is invalid.",
        EXISTS => "Cannot create a file when that file already exists.",
        NETWORK_NOT_FOUND => "The network was not found.",
        ENDPOINT_NOT_FOUND => "The endpoint was not found.",
        NETWORK_EXISTS => "The network already exists.",
        PORT_EXISTS => "The port already exists.",
        ENDPOINT_ATTACHED => "The endpoint is already attached to a namespace.",
        ENDPOINT_NOT_ATTACHED => "The endpoint is not attached.",
        NETWORK_UNSUPPORTED => "The request is unsupported.",
        NOT_SUPPORTED => "The request is not supported.",
        _ => "The operation failed.",
    }
}
