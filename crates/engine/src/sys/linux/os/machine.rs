//! What this host is.

/// The host's operating system, as Go names it.
pub const OS: &str = "linux";
/// What containers run on.
pub const SYSTEM: &str = "Wine on Linux";

/// The version of the host's kernel.
pub fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// The host's name.
pub fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Bytes of memory.
pub fn memory() -> u64 {
    let pages = rustix::system::sysinfo();
    u64::from(pages.mem_unit) * pages.totalram
}

/// Whether what one job object sees can be bound for it alone: there are none here.
pub fn has_bind_filter() -> bool {
    false
}
