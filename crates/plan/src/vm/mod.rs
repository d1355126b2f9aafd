//! Utility VMs: the one that hosts a container, and the documents that create one.

mod hosting;

pub use hosting::{GuestOs, HostingVm};
