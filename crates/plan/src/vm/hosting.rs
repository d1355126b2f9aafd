//! The VM that hosts a container, as far as a plan for the container needs to know it.

use serde::{Deserialize, Serialize};

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
pub struct HostingVm {
    /// Its id, `<pod>@vm`.
    pub id: String,
    /// What runs in it.
    pub os: GuestOs,
    /// Its processors.
    pub processors: i32,
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
}
