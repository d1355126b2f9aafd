//! Utility VMs: the one that hosts a container, and the documents that create one.

pub mod devices;
mod hosting;

pub use devices::Devices;
pub use hosting::{GuestOs, HostingVm};
