//! Host directories and files that a Windows VM sees as shares.

use std::collections::BTreeMap;

use schema::modify::RequestType;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{added, host_request};
use crate::mounts::VM_SHARES;
use crate::paths;
use crate::step::ModifyVm;

const RESOURCE: &str = "VirtualMachine/Devices/VirtualSmb/Shares";

/// How a share behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "they are HCS' own")]
pub struct ShareOptions {
    /// No writing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Others may read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub share_read: bool,
    /// Cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cache_io: bool,
    /// No opportunistic locks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_oplocks: bool,
    /// Read what the VM's account could not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub take_backup_privilege: bool,
    /// Pretend locks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pseudo_oplocks: bool,
    /// Do not map files into the VM's memory.
    #[serde(rename = "NoDirectmap", skip_serializing_if = "std::ops::Not::not")]
    pub no_direct_map: bool,
    /// Only the files that are named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restrict_file_access: bool,
    /// Map single files.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub single_file_mapping: bool,
}

impl ShareOptions {
    /// The usual options.
    pub fn new(read_only: bool, no_direct_map: bool) -> Self {
        Self {
            read_only,
            share_read: read_only,
            cache_io: read_only,
            pseudo_oplocks: read_only,
            no_direct_map,
            ..Self::default()
        }
    }

    /// The options of a layer.
    pub fn layer(no_direct_map: bool) -> Self {
        Self { take_backup_privilege: true, ..Self::new(true, no_direct_map) }
    }
}

/// The shares of a VM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shares {
    last: u64,
    directories: BTreeMap<String, Share>,
    files: BTreeMap<String, Share>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Share {
    name: String,
    allowed: Vec<String>,
    count: u32,
}

impl Shares {
    /// Shares a directory.
    pub fn add_directory(&mut self, path: &str, options: ShareOptions) -> Option<ModifyVm> {
        let key = key(path, options.read_only);
        if let Some(share) = self.directories.get_mut(&key) {
            share.count += 1;
            return None;
        }
        let share = self.new_share(Vec::new());
        let change = change(&share, path, options, RequestType::Add);
        self.directories.insert(key, share);
        Some(change)
    }

    /// Shares a file: its folder is shared, and only the files that were asked for can be opened.
    pub fn add_file(&mut self, path: &str, options: ShareOptions) -> ModifyVm {
        let folder = paths::folder(path);
        let options =
            ShareOptions { restrict_file_access: true, single_file_mapping: true, ..options };
        let key = key(&folder, options.read_only);
        if let Some(share) = self.files.get_mut(&key) {
            share.count += 1;
            share.allowed.push(path.to_owned());
            return change(share, &folder, options, RequestType::Update);
        }
        let share = self.new_share(vec![path.to_owned()]);
        let change = change(&share, &folder, options, RequestType::Add);
        self.files.insert(key, share);
        change
    }

    /// Where the VM sees a directory or a file that was shared.
    pub fn guest_path(&self, path: &str, read_only: bool) -> Option<String> {
        if let Some(share) = self.directories.get(&key(path, read_only)) {
            return Some(format!("{VM_SHARES}{}", share.name));
        }
        let share = self.files.get(&key(&paths::folder(path), read_only))?;
        Some(format!(r"{VM_SHARES}{}\{}", share.name, paths::name(path)))
    }

    fn new_share(&mut self, allowed: Vec<String>) -> Share {
        self.last += 1;
        Share { name: format!("s{:x}", self.last), allowed, count: 1 }
    }
}

fn key(path: &str, read_only: bool) -> String {
    format!("{}-{read_only}", paths::clean(path))
}

fn change(share: &Share, path: &str, options: ShareOptions, kind: RequestType) -> ModifyVm {
    let mut settings = json!({ "Name": share.name, "Path": path, "Options": options });
    if !share.allowed.is_empty() {
        settings["AllowedFiles"] = json!(share.allowed);
    }
    // A directly mapped share stays: taking it away would unmap files that the guest has open.
    let undo = (kind == RequestType::Add && options.no_direct_map).then(|| {
        let settings = json!({ "Name": share.name });
        added(Some(host_request(RESOURCE.into(), RequestType::Remove, settings)), None, None)
    });
    added(Some(host_request(RESOURCE.into(), kind, settings)), None, undo)
}
