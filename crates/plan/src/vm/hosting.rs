//! The VM that hosts a container, as far as a plan for the container needs to know it.

use serde::{Deserialize, Serialize};

use super::devices::Devices;

/// What runs in a VM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestOs {
    /// Windows.
    #[default]
    Windows,
    /// Linux.
    Linux,
}

/// The VM that hosts a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct HostingVm {
    /// Its id, `<pod>@vm`.
    pub id: String,
    /// What runs in it.
    pub os: GuestOs,
    /// Its processors.
    pub processors: i32,
    /// Its SCSI controllers, of 64 disks each.
    pub scsi_controllers: u32,
    /// Controllers and LUNs that are in use by the VM itself.
    pub reserved_scsi_slots: Vec<(u32, u32)>,
    /// The folder for process dumps of its containers.
    pub process_dump_location: String,
    /// Writable shares are forbidden.
    pub no_writable_file_shares: bool,
    /// Shares are not mapped directly.
    pub vsmb_no_direct_map: bool,
    /// Its memory and devices are backed by physical memory.
    pub devices_physically_backed: bool,
    /// It has a security policy.
    pub confidential: bool,
    /// Scratches are encrypted.
    pub encrypt_scratch: bool,
    /// Persistent memory devices.
    pub vpmem_max_count: u32,
    /// The size of each, in bytes.
    pub vpmem_max_size_bytes: u64,
    /// Several disks share a persistent memory device.
    pub vpmem_multi_mapping: bool,
    /// What has been given to it so far.
    pub devices: Devices,
}

impl HostingVm {
    /// It runs Windows.
    pub fn is_windows(&self) -> bool {
        self.os == GuestOs::Windows
    }
}
