//! Layers of Linux containers on persistent memory devices.

use std::collections::BTreeMap;

use schema::modify::RequestType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::buddy::Regions;
use super::{added, guest_request, host_request};
use crate::step::ModifyVm;
use crate::vm::HostingVm;

const RESOURCE: &str = "VirtualMachine/Devices/VirtualPMem/Devices";
/// Disks on one device.
const MOST_MAPPINGS: usize = 1024;
const PAGE: u64 = 4096;

/// The persistent memory devices of a VM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pmem {
    /// One disk on each.
    whole: BTreeMap<u32, String>,
    /// Several disks on each.
    shared: BTreeMap<u32, Device>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Device {
    regions: Regions,
    mappings: BTreeMap<String, (u64, u64)>,
}

/// Where a disk of `size` bytes is seen, and what puts it there.
pub(crate) type Placed = (String, Option<ModifyVm>);

impl Pmem {
    /// Finds a place for the disk at `path`, which has `size` bytes; nothing when there is no room.
    pub(crate) fn add(&mut self, vm: &HostingVm, path: &str, size: u64) -> Option<Placed> {
        if vm.vpmem_max_count == 0 || vm.devices_physically_backed {
            return None;
        }
        if vm.vpmem_multi_mapping {
            self.add_mapping(vm, path, size)
        } else {
            self.add_whole(vm, path, size)
        }
    }

    /// Frees the place of the disk at `path`, when the last container that uses it is gone.
    pub fn remove(&mut self, path: &str) {
        self.whole.retain(|_, held| held != path);
        for device in self.shared.values_mut() {
            if let Some((offset, size)) = device.mappings.remove(path) {
                device.regions.give_back(offset, size);
            }
        }
    }

    fn add_whole(&mut self, vm: &HostingVm, path: &str, size: u64) -> Option<Placed> {
        if let Some((number, _)) = self.whole.iter().find(|(_, held)| *held == path) {
            return Some((format!("/run/layers/p{number}"), None));
        }
        if size > vm.vpmem_max_size_bytes {
            return None;
        }
        let number = (0..vm.vpmem_max_count).find(|number| !self.whole.contains_key(number))?;
        self.whole.insert(number, path.to_owned());
        let guest_path = format!("/run/layers/p{number}");
        let settings = json!({ "HostPath": path, "ReadOnly": true, "ImageFormat": "Vhd1" });
        let guest = mount(number, &guest_path, None);
        let change = change(format!("{RESOURCE}/{number}"), settings, &guest);
        Some((guest_path, Some(change)))
    }

    fn add_mapping(&mut self, vm: &HostingVm, path: &str, size: u64) -> Option<Placed> {
        let size = size.checked_next_multiple_of(PAGE)?;
        for (number, device) in &self.shared {
            if let Some((offset, size)) = device.mappings.get(path) {
                return Some((mapped_path(*number, *offset, *size), None));
            }
        }
        if size > vm.vpmem_max_size_bytes {
            return None;
        }
        for number in 0..vm.vpmem_max_count {
            let device = self.shared.entry(number).or_default();
            if device.mappings.len() >= MOST_MAPPINGS {
                continue;
            }
            if let Some(offset) = device.regions.take(size) {
                device.mappings.insert(path.to_owned(), (offset, size));
                return Some(place_mapping(number, offset, size, path));
            }
        }
        None
    }
}

fn place_mapping(number: u32, offset: u64, size: u64, path: &str) -> Placed {
    let guest_path = mapped_path(number, offset, size);
    let settings = json!({ "HostPath": path, "ImageFormat": "Vhd1" });
    let guest = mount(number, &guest_path, Some((offset, size)));
    let change = change(format!("{RESOURCE}/{number}/Mappings/{offset}"), settings, &guest);
    (guest_path, Some(change))
}

fn mapped_path(number: u32, offset: u64, size: u64) -> String {
    format!("/run/layers/p{number}-{offset}-{size}")
}

fn mount(number: u32, path: &str, mapping: Option<(u64, u64)>) -> Value {
    let mut settings = Map::new();
    if number != 0 {
        settings.insert("DeviceNumber".into(), json!(number));
    }
    settings.insert("MountPath".into(), json!(path));
    if let Some((offset, size)) = mapping {
        let mut info = Map::new();
        if offset != 0 {
            info.insert("DeviceOffsetInBytes".into(), json!(offset));
        }
        info.insert("DeviceSizeInBytes".into(), json!(size));
        settings.insert("MappingInfo".into(), info.into());
    }
    settings.into()
}

fn change(resource: String, settings: Value, guest: &Value) -> ModifyVm {
    let undo = added(
        Some(host_request(resource.clone(), RequestType::Remove, Value::Null)),
        Some(guest_request("VPMemDevice", RequestType::Remove, guest.clone())),
        None,
    );
    added(
        Some(host_request(resource, RequestType::Add, settings)),
        Some(guest_request("VPMemDevice", RequestType::Add, guest.clone())),
        Some(undo),
    )
}
