//! PCI devices of the host that a VM was given.

use std::collections::BTreeMap;

use schema::modify::RequestType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{added, guest_request, host_request};
use crate::host::{HostFacts, builds};
use crate::step::ModifyVm;

/// The devices of a VM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pci {
    devices: BTreeMap<String, (String, u32)>,
}

/// Whether devices of this kind can be given to a VM.
pub fn is_assignable(id_type: &str) -> bool {
    matches!(id_type, "vpci-instance-id" | "vpci" | "gpu")
}

/// Splits a device's id: a last element that is a number is a virtual function of the device.
pub fn split_function(id: &str) -> (String, u16) {
    let name = crate::paths::name(id);
    match crate::annotations::values::parse_unsigned::<u16>(&name) {
        Some(function) if !name.is_empty() => (crate::paths::folder(id), function),
        _ => (id.to_owned(), 0),
    }
}

/// The functions of a device as HCS has them.
pub(crate) fn functions(id: &str, function: u16) -> Value {
    let mut one = Map::new();
    one.insert("DeviceInstancePath".into(), json!(id));
    if function != 0 {
        one.insert("VirtualFunction".into(), json!(function));
    }
    json!([one])
}

impl Pci {
    /// Gives a device to a VM under `guid`, or finds it there. Answers with the GUID that it has.
    pub fn add(
        &mut self,
        id: &str,
        function: u16,
        guid: String,
        linux: bool,
        host: &HostFacts,
    ) -> (String, Option<ModifyVm>) {
        let key = format!("{id}#{function}");
        if let Some((guid, count)) = self.devices.get_mut(&key) {
            *count += 1;
            return (guid.clone(), None);
        }
        let resource = format!("VirtualMachine/Devices/VirtualPci/{guid}");
        let mut settings = json!({ "Functions": functions(id, function) });
        if host.build >= builds::WS2025 {
            settings["PropagateNumaAffinity"] = json!(true);
        }
        let guest = linux
            .then(|| guest_request("VPCIDevice", RequestType::Add, json!({ "VMBusGUID": guid })));
        let remove = host_request(resource.clone(), RequestType::Remove, Value::Null);
        let change = added(
            Some(host_request(resource, RequestType::Add, settings)),
            guest,
            Some(added(Some(remove), None, None)),
        );
        self.devices.insert(key, (guid.clone(), 1));
        (guid, Some(change))
    }
}
