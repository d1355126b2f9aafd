//! The documents that create utility VMs.

mod common;
mod confidential;
mod linux;
mod linux_boot;
mod linux_confidential;
mod windows;
mod windows_boot;

use schema::SystemId;
use schema::document::{ComputeSystem, SchemaVersion};
use serde::Serialize;
use serde_json::Value;

pub use linux::linux;
pub use windows::windows;

use super::{GuestOs, HostingVm};
use crate::step::Step;

/// A decided plan for a VM.
#[derive(Debug, Clone, PartialEq)]
pub struct VmPlan {
    /// The compute system's id.
    pub id: SystemId,
    /// What to acquire before it is created.
    pub steps: Vec<Step>,
    /// Its document.
    pub document: ComputeSystem,
    /// What is remembered of it.
    pub state: VmState,
}

/// What is remembered of a VM that is about to be created.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is remembered on its own")]
pub struct VmState {
    /// What runs in it.
    pub operating_system: GuestOs,
    /// Its processors, after they were limited to the host's.
    pub processor_count: i32,
    /// Its memory is physical.
    pub physically_backed: bool,
    /// And so are its devices.
    pub devices_physically_backed: bool,
    /// Its SCSI controllers.
    pub scsi_controller_count: u32,
    /// Places of its boot disks.
    pub reserved_scsi_slots: Vec<(u32, u32)>,
    /// Its persistent memory devices.
    pub vpmem_max_count: u32,
    /// The size of each.
    pub vpmem_max_size_bytes: u64,
    /// Several disks share one.
    pub vpmem_multi_mapping: bool,
    /// Shares are not mapped directly.
    pub vsmb_no_direct_map: bool,
    /// Writable shares are refused.
    pub no_writable_file_shares: bool,
    /// Scratches are encrypted.
    pub encrypt_scratch: bool,
    /// Where its containers leave process dumps.
    pub process_dump_location: String,
    /// It routes by policy.
    pub policy_based_routing: bool,
    /// It runs on UTC.
    pub no_inherit_host_timezone: bool,
    /// Its logs are forwarded.
    pub log_forwarding_enabled: bool,
    /// Which ones.
    pub log_sources: String,
    /// Also the usual ones.
    pub default_log_sources_enabled: bool,
}

impl VmState {
    /// The VM as plans for its containers know it.
    pub fn hosting(&self, id: &SystemId, confidential: bool) -> HostingVm {
        HostingVm {
            id: id.to_string(),
            os: self.operating_system,
            processors: self.processor_count,
            scsi_controllers: self.scsi_controller_count,
            reserved_scsi_slots: self.reserved_scsi_slots.clone(),
            process_dump_location: self.process_dump_location.clone(),
            no_writable_file_shares: self.no_writable_file_shares,
            vsmb_no_direct_map: self.vsmb_no_direct_map,
            devices_physically_backed: self.devices_physically_backed,
            confidential,
            encrypt_scratch: self.encrypt_scratch,
            vpmem_max_count: self.vpmem_max_count,
            vpmem_max_size_bytes: self.vpmem_max_size_bytes,
            vpmem_multi_mapping: self.vpmem_multi_mapping,
            devices: super::Devices::default(),
        }
    }
}

fn compute_system(owner: &str, schema: SchemaVersion, vm: Value) -> ComputeSystem {
    ComputeSystem {
        owner: owner.to_owned(),
        schema_version: schema,
        hosting_system_id: String::new(),
        container: None,
        virtual_machine: Some(vm),
        should_terminate_on_last_handle_closed: true,
    }
}
