//! What this host is.

use std::path::PathBuf;
use std::sync::OnceLock;

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::{
    ComputerNameDnsHostname, GetComputerNameExW, GlobalMemoryStatusEx, MEMORYSTATUSEX,
    OSVERSIONINFOW,
};

/// The host's operating system, as Go names it.
pub const OS: &str = "windows";
/// What containers run on.
pub const SYSTEM: &str = "Windows";

/// The version of the host's kernel.
pub fn release() -> String {
    let mut version = OSVERSIONINFOW {
        dwOSVersionInfoSize: u32::try_from(size_of::<OSVERSIONINFOW>()).expect("small"),
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: the structure says how large it is.
    unsafe { RtlGetVersion(&raw mut version) };
    format!("{}.{}.{}", version.dwMajorVersion, version.dwMinorVersion, version.dwBuildNumber)
}

/// The host's name.
pub fn name() -> String {
    let mut name = [0_u16; 256];
    let mut length = 256;
    // SAFETY: the name has the place that it is said to have.
    let done =
        unsafe { GetComputerNameExW(ComputerNameDnsHostname, name.as_mut_ptr(), &raw mut length) };
    if done == 0 { String::new() } else { String::from_utf16_lossy(&name[..length as usize]) }
}

/// Bytes of memory.
pub fn memory() -> u64 {
    let mut status = MEMORYSTATUSEX {
        dwLength: u32::try_from(size_of::<MEMORYSTATUSEX>()).expect("small"),
        ..MEMORYSTATUSEX::default()
    };
    // SAFETY: the structure says how large it is.
    unsafe { GlobalMemoryStatusEx(&raw mut status) };
    status.ullTotalPhys
}

/// Whether what one job object sees can be bound for it alone (`bindfltapi.dll`, since version
/// 20H1). It is looked once: what one container has, the next one has.
pub fn has_bind_filter() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let windows = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\windows".into());
        PathBuf::from(windows).join(r"system32\bindfltapi.dll").is_file()
    })
}
