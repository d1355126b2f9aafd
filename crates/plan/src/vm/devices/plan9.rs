//! Host directories and files that a Linux VM sees.

use schema::modify::RequestType;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{added, guest_request, host_request};
use crate::step::ModifyVm;

const RESOURCE: &str = "VirtualMachine/Devices/Plan9/Shares";
const PORT: u32 = 564;

const READ_ONLY: u32 = 0x1;
const LINUX_METADATA: u32 = 0x4;
const RESTRICT_FILES: u32 = 0x80;

/// The shares of a Linux VM; each is its own, however often a directory is shared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan9 {
    next: u64,
}

impl Plan9 {
    /// Shares `folder` at `mount_path`, all of it or only the files that are named.
    pub fn add(
        &mut self,
        folder: &str,
        mount_path: &str,
        read_only: bool,
        files: &[&str],
    ) -> ModifyVm {
        let name = self.next.to_string();
        self.next += 1;
        let restrict = if files.is_empty() { 0 } else { RESTRICT_FILES };
        let flags = LINUX_METADATA | restrict | if read_only { READ_ONLY } else { 0 };
        let mut settings = json!({
            "Name": name, "AccessName": name, "Path": folder, "Port": PORT, "Flags": flags,
        });
        if !files.is_empty() {
            settings["AllowedFiles"] = json!(files);
        }
        let mut guest = json!({ "MountPath": mount_path, "Port": PORT, "ShareName": name });
        if read_only {
            guest["ReadOnly"] = json!(true);
        }
        let remove = json!({ "Name": name, "AccessName": name, "Port": PORT });
        let undo = added(
            Some(host_request(RESOURCE.into(), RequestType::Remove, remove)),
            Some(guest_request("MappedDirectory", RequestType::Remove, guest.clone())),
            None,
        );
        added(
            Some(host_request(RESOURCE.into(), RequestType::Add, settings)),
            Some(guest_request("MappedDirectory", RequestType::Add, guest)),
            Some(undo),
        )
    }
}
