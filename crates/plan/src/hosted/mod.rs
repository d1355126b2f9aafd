//! Containers in a utility VM: what the VM is given for them, and their documents.

mod context;
mod drivers;
mod linux;
mod linux_mounts;
mod linux_spec;
mod windows;
mod windows_mounts;

pub(crate) use linux::linux;
pub use windows::mounts;
pub(crate) use windows::windows;
pub use windows_mounts::directories;
