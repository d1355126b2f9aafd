//! Devices of the host that a container is given: the render nodes of its graphics processors.
//!
//! On Windows a document names device interfaces. The one class that means something here is that
//! of graphics adapters; every render node stands for it. Nodes that set the screen are never given.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use schema::container::AssignedDevice;
use serde::{Deserialize, Serialize};

use super::validate::unsupported;
use crate::error::ErrorKind;

/// `GUID_DEVINTERFACE_DISPLAY_ADAPTER`.
const GRAPHICS: &str = "5B45201D-F2F2-4F3B-85BB-30FF1F953599";

/// Where Linux has them.
const NODES: &str = "/dev/dri";

/// A device node inside, at the same place as on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceNode {
    /// Below `/dev/dri`.
    pub(crate) name: String,
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// Decides the devices of a document.
pub(crate) fn decide(asked: &[AssignedDevice]) -> Result<Vec<DeviceNode>, ErrorKind> {
    for device in asked {
        let class = device.interface_class_guid.trim_matches(['{', '}']);
        if !device.device_type.is_empty() || !class.eq_ignore_ascii_case(GRAPHICS) {
            let what = if class.is_empty() { &device.location_path } else { class };
            return Err(unsupported(
                &format!("Container.AssignedDevices `{what}`"),
                "of a Linux host's devices only graphics processors are given, by the class \
                 5B45201D-F2F2-4F3B-85BB-30FF1F953599",
            ));
        }
    }
    if asked.is_empty() { Ok(Vec::new()) } else { render_nodes(Path::new(NODES)) }
}

fn render_nodes(folder: &Path) -> Result<Vec<DeviceNode>, ErrorKind> {
    let mut nodes: Vec<DeviceNode> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let about = entry.metadata().ok()?;
            let is_one = name.starts_with("renderD") && about.file_type().is_char_device();
            let (major, minor) = (libc::major(about.rdev()), libc::minor(about.rdev()));
            is_one.then_some(DeviceNode { name, major, minor })
        })
        .collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    if nodes.is_empty() {
        return Err(ErrorKind::HostLacks {
            what: format!(
                "it has no graphics processor with a render node below {}",
                folder.display()
            ),
            mend: "load the graphics driver, or run without --device".into(),
        });
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

    use super::*;

    #[test]
    fn only_render_nodes_are_given() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, minor) in [("renderD129", 129), ("card0", 0), ("renderD128", 128)] {
            let (path, device) = (folder.path().join(name), makedev(226, minor));
            mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), device).unwrap();
        }
        fs::write(folder.path().join("renderDnone"), "").unwrap();
        let node = |name: &str, minor| DeviceNode { name: name.into(), major: 226, minor };
        let nodes = render_nodes(folder.path()).unwrap();
        assert_eq!(nodes, [node("renderD128", 128), node("renderD129", 129)]);
    }

    #[test]
    fn a_host_without_any_says_so_and_other_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(render_nodes(folder.path()), Err(ErrorKind::HostLacks { .. })));
        let class = AssignedDevice {
            interface_class_guid: "86E0D1E0-8089-11D0-9CE4-08003E301F73".into(),
            ..AssignedDevice::default()
        };
        let instance = AssignedDevice {
            device_type: "DeviceInstance".into(),
            location_path: "PCIROOT(0)#PCI(0100)".into(),
            ..AssignedDevice::default()
        };
        for device in [class, instance] {
            assert!(matches!(decide(&[device]), Err(ErrorKind::Unsupported { .. })));
        }
    }
}
