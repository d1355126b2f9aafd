//! Host devices: `class/<guid>` or `<id type>://<id>` to a device of the spec.

use oci_spec::runtime::{WindowsDevice, WindowsDeviceBuilder};
use thiserror::Error;

use crate::api::DeviceMapping;

/// A device path that says neither class nor id type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// Neither form.
    #[error("invalid device assignment path: '{0}', must be 'class/ID' or 'IDType://ID'")]
    Form(String),
    /// Nothing before `://`.
    #[error("invalid device assignment path: '{0}', IDType cannot be empty")]
    NoIdType(String),
}

/// The devices asked for, in order; the first bad one fails.
pub fn parse_all(devices: &[DeviceMapping]) -> Result<Vec<WindowsDevice>, DeviceError> {
    devices.iter().map(|device| parse(&device.path_on_host)).collect()
}

/// One device. Ids are opaque: not even a class must be a GUID.
pub fn parse(path: &str) -> Result<WindowsDevice, DeviceError> {
    if let Some(class) = path.strip_prefix("class/") {
        return Ok(device("class", class));
    }
    match path.split_once("://") {
        None => Err(DeviceError::Form(path.to_owned())),
        Some(("", _)) => Err(DeviceError::NoIdType(path.to_owned())),
        Some((id_type, id)) => Ok(device(id_type, id)),
    }
}

fn device(id_type: &str, id: &str) -> WindowsDevice {
    WindowsDeviceBuilder::default()
        .id_type(id_type)
        .id(id)
        .build()
        .expect("every member of a device has a default")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_a_device() {
        for (path, id_type, id) in
            [("class/x", "class", "x"), ("class://x", "class", "x"), ("a://b://c", "a", "b://c")]
        {
            let device = parse(path).unwrap();
            assert_eq!((device.id_type().as_str(), device.id().as_str()), (id_type, id));
        }
    }
}
