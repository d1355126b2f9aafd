//! Device files: those of graphics processors are what Windows names by an interface class.

use serde_json::Value;

use crate::error::{PlanError, Result};
use crate::oci::Device;

/// Where Linux has its graphics processors.
const GRAPHICS: &str = "/dev/dri/";
/// `GUID_DEVINTERFACE_DISPLAY_ADAPTER`.
const GRAPHICS_CLASS: &str = "5B45201D-F2F2-4F3B-85BB-30FF1F953599";

/// The devices of a Linux section.
pub(super) fn of_section(linux: &Value) -> Result<Option<Vec<Device>>> {
    let asked = linux["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, device) in asked.iter().enumerate() {
        let path = device["path"].as_str().unwrap_or_default();
        if !path.starts_with(GRAPHICS) {
            let rule = "a Windows container is given no device files but those of graphics \
                        processors, below /dev/dri; and none is privileged";
            return Err(PlanError::field(format!("linux.devices.{at}.path"), path, rule));
        }
    }
    let graphics = || vec![Device { id: GRAPHICS_CLASS.into(), id_type: "class".into() }];
    Ok((!asked.is_empty()).then(graphics))
}
