//! What a VM for Windows containers boots from.

use schema::SystemId;

use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::layers::WindowsLayers;
use crate::oci::Spec;
use crate::paths::{name, windows_join};
use crate::request::RootfsMount;
use crate::step::Step;
use crate::vm::options::WindowsOptions;

/// What it boots from.
pub(super) enum Boot {
    /// The files of a layer, shared, and a scratch disk.
    Files {
        /// `UtilityVM\Files` of the layer.
        os_files: String,
        /// The scratch disk.
        scratch: String,
    },
    /// Disks that are measured.
    Images {
        /// The boot disk.
        efi: String,
        /// It can be written.
        efi_writable: bool,
        /// The disk of the system.
        os: String,
        /// The guest state.
        guest_state: String,
        /// The scratch disk.
        scratch: String,
    },
}

impl Boot {
    /// Its disks in the order of their places, and whether each forbids writing.
    pub(super) fn disks(&self) -> Vec<(String, bool)> {
        match self {
            Self::Files { scratch, .. } => vec![(scratch.clone(), false)],
            Self::Images { efi, efi_writable, os, scratch, .. } => {
                vec![(scratch.clone(), false), (efi.clone(), !efi_writable), (os.clone(), true)]
            }
        }
    }
}

/// Finds it, and what has to be copied for it.
pub(super) fn boot(
    id: &SystemId,
    options: &WindowsOptions,
    spec: &Spec,
    rootfs: &[RootfsMount],
    host: &HostFacts,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<Boot> {
    let confidential = options.common.security_policy_enabled;
    match (WindowsLayers::of(spec, rootfs)?, confidential) {
        (WindowsLayers::Folders { layers, scratch }, false) => {
            files(&layers, &scratch, lookups, steps)
        }
        (WindowsLayers::BlockCims { scratch, .. }, true) => {
            images(id, options, &scratch, host, lookups, steps)
        }
        (WindowsLayers::Folders { .. }, true) => {
            let rule = "a VM with a security policy boots from block images only";
            Err(PlanError::field("windows.layerFolders", "", rule))
        }
        (WindowsLayers::BlockCims { .. }, false) => {
            let why = "block images in a VM need a security policy";
            Err(PlanError::unsupported("rootfs.0.type", why))
        }
        (WindowsLayers::ForkedCims { .. }, _) => {
            Err(PlanError::unsupported("rootfs.0.type", "a VM cannot boot from forked images"))
        }
    }
}

fn files(
    layers: &[String],
    scratch: &str,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<Boot> {
    const FIELD: &str = "windows.layerFolders";
    let folders = layers.iter().map(|layer| windows_join(&[layer, "UtilityVM"]));
    let folder = folders
        .into_iter()
        .find(|folder| lookups.exists(folder))
        .ok_or_else(|| PlanError::missing(FIELD, "no layer has a UtilityVM folder"))?;
    let scratch_folder = windows_join(&[scratch, "vm"]);
    let disk = windows_join(&[&scratch_folder, "sandbox.vhdx"]);
    if !lookups.exists(&scratch_folder) {
        steps.push(Step::CreateFolder { path: scratch_folder });
    }
    if !lookups.exists(&disk) {
        copy(FIELD, &windows_join(&[&folder, "SystemTemplate.vhdx"]), &disk, lookups, steps)?;
    }
    Ok(Boot::Files { os_files: windows_join(&[&folder, "Files"]), scratch: disk })
}

fn images(
    id: &SystemId,
    options: &WindowsOptions,
    scratch: &str,
    host: &HostFacts,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<Boot> {
    let folder = options.boot_folder(host);
    let template = &options.common.guest_state_file_path;
    let guest_state = windows_join(&[scratch, &name(template)]);
    copy("wcow.gueststatefile", template, &guest_state, lookups, steps)?;
    steps.push(Step::GrantVmAccess { vm: id.to_string(), path: guest_state.clone() });
    let mut efi = windows_join(&[&folder, "boot.vhd"]);
    if options.writable_efi {
        let own = windows_join(&[scratch, "boot.vhd"]);
        copy("wcow.writable_efi", &efi, &own, lookups, steps)?;
        efi = own;
    }
    Ok(Boot::Images {
        efi,
        efi_writable: options.writable_efi,
        os: windows_join(&[&folder, "rootfs.vhd"]),
        guest_state,
        scratch: windows_join(&[scratch, "sandbox.vhdx"]),
    })
}

/// A copy of a file that must exist.
pub(super) fn copy(
    field: &str,
    from: &str,
    to: &str,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<()> {
    lookups.find(from).map_err(PlanError::lookup(field))?;
    steps.push(Step::CopyFile { from: from.to_owned(), to: to.to_owned() });
    Ok(())
}
