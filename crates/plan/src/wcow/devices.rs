//! Assigned devices and device extensions.

use schema::container::AssignedDevice;
use serde_json::{Value, json};

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups, builds};
use crate::oci::shape;
use crate::oci::{Annotations, DEVICE_EXTENSION, Device};

/// Devices as a document has them.
pub(super) fn assigned(devices: &[Device]) -> Result<Vec<AssignedDevice>> {
    devices
        .iter()
        .enumerate()
        .map(|(at, device)| match device.id_type.as_str() {
            "vpci-location-path" => Ok(AssignedDevice {
                device_type: "DeviceInstance".into(),
                location_path: device.id.clone(),
                ..AssignedDevice::default()
            }),
            // HCS takes a device without a type as an interface class.
            "class" | "vpci-class-guid" => Ok(AssignedDevice {
                interface_class_guid: device.id.clone(),
                ..AssignedDevice::default()
            }),
            other => {
                let rule = "must be vpci-location-path, vpci-class-guid or class";
                Err(PlanError::field(format!("windows.devices.{at}.idType"), other, rule))
            }
        })
        .collect()
}

/// The device extensions that an annotation names, one file each.
pub(super) fn extensions(
    annotations: &Annotations,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Option<Value>> {
    const FIELD: &str = names::DEVICE_EXTENSIONS;
    let files = values::texts(annotations, FIELD);
    if files.is_empty() {
        return Ok(None);
    }
    for file in &files {
        lookups.find(file).map_err(PlanError::lookup(FIELD))?;
    }
    if host.is_unix() {
        return Err(PlanError::unsupported(FIELD, "they describe devices of a Windows host"));
    }
    if host.build < builds::LTSC2022 {
        return Err(PlanError::unsupported(FIELD, "they need Windows Server 2022"));
    }
    let extensions =
        files.iter().map(|file| extension(file, lookups)).collect::<Result<Vec<_>>>()?;
    Ok(Some(json!({ "device_extension": extensions })))
}

fn extension(file: &str, lookups: &dyn Lookups) -> Result<Value> {
    let refuse = |why: String| PlanError::field(names::DEVICE_EXTENSIONS, file, why);
    let text = lookups.read(file).map_err(PlanError::lookup(names::DEVICE_EXTENSIONS))?;
    let value = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    let extension = shape::conform(value, &DEVICE_EXTENSION)
        .map_err(|misfit| refuse(format!("{} {}", misfit.at, misfit.rule)))?;
    Ok(extension.unwrap_or_else(|| json!({})))
}
