//! What a running VM has been given: shares, disks, memory devices, PCI devices.
//!
//! Pure bookkeeping: each `add` answers with the place that something gets and the changes of the VM
//! that put it there, which are none when it is there already.

mod buddy;
mod pci;
mod plan9;
mod pmem;
mod scsi;
mod shares;

use schema::modify::{ModifyRequest, RequestType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use pci::functions;
pub use pci::{Pci, is_assignable, split_function};
pub use plan9::Plan9;
pub use pmem::Pmem;
pub(crate) use scsi::CONTROLLERS;
pub use scsi::{Disk, DiskMount, NoPlace, Scsi, split_extensible};
pub use shares::{ShareOptions, Shares};

use crate::step::ModifyVm;

/// What a VM has been given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// Shares of a Windows VM.
    pub shares: Shares,
    /// Shares of a Linux VM.
    pub plan9: Plan9,
    /// Disks.
    pub scsi: Scsi,
    /// Persistent memory.
    pub pmem: Pmem,
    /// PCI devices.
    pub pci: Pci,
}

/// A request to the host's side of a VM.
pub(crate) fn host_request(path: String, kind: RequestType, settings: Value) -> ModifyRequest {
    ModifyRequest { resource_path: path, request_type: Some(kind), settings, guest_request: None }
}

/// A request to the guest's side of a VM.
pub(crate) fn guest_request(resource: &str, kind: RequestType, settings: Value) -> Value {
    let mut request = json!({ "RequestType": kind, "ResourceType": resource });
    if !settings.is_null() {
        request["Settings"] = settings;
    }
    request
}

/// Something added to a VM, and how it is taken away.
pub(crate) fn added(
    host: Option<ModifyRequest>,
    guest: Option<Value>,
    undo: Option<ModifyVm>,
) -> ModifyVm {
    ModifyVm { host, guest, undo: undo.map(Box::new) }
}
