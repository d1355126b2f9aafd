//! Utility VMs: the one that hosts a container, and the documents that create one.

pub mod devices;
mod document;
mod hosting;
pub mod numa;
mod options;

pub use devices::Devices;
pub use document::{VmPlan, VmState, linux, windows};
pub use hosting::{GuestOs, HostingVm};
pub use options::{AssignedDevice, CommonOptions, LinuxOptions, RootFs, WindowsOptions};
