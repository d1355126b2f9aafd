//! Mounts and devices of a Linux container in a Linux VM.

use super::context::{Context, writable_denied};
use super::windows_mounts::disk;
use crate::error::{PlanError, Result};
use crate::host::{Found, builds};
use crate::mounts::{self, HUGE_PAGES, IN_SANDBOX, IN_SANDBOX_MEMORY, IN_VM};
use crate::oci::{Mount, Spec};
use crate::paths;
use crate::vm::devices::DiskMount;

/// What names a device, not a folder, in the container.
const BLOCK_DEVICE: &str = "blockdev://";

impl Context<'_> {
    /// Gives the VM what the mounts need, and rewrites them to how the VM sees it. Kinds that the
    /// host has no part in are left to the guest.
    pub(super) fn linux_mounts(&mut self, all: &mut [Mount]) -> Result<()> {
        for (at, mount) in all.iter_mut().enumerate() {
            let is_disk = mounts::DISKS.contains(&mount.mount_type.as_str());
            if !is_disk && mount.mount_type != "bind" {
                continue;
            }
            mounts::check_ends(at, mount)?;
            let field = format!("mounts.{at}.source");
            if is_disk {
                self.linux_disk(&field, mount)?;
            } else {
                self.linux_bind(&field, at, mount)?;
            }
        }
        Ok(())
    }

    fn linux_disk(&mut self, field: &str, mount: &mut Mount) -> Result<()> {
        let block_device = mount.destination.starts_with(BLOCK_DEVICE);
        let (disk, grant) = disk(field, mount)?;
        let how = DiskMount {
            read_only: disk.read_only,
            options: mount.options.clone(),
            block_device,
            ..DiskMount::default()
        };
        mount.source = self.disk(field, disk, how, None, grant)?;
        mount.mount_type = if block_device { "bind" } else { "none" }.into();
        Ok(())
    }

    fn linux_bind(&mut self, field: &str, at: usize, mount: &mut Mount) -> Result<()> {
        let is_guests = [IN_SANDBOX, IN_SANDBOX_MEMORY, IN_VM];
        if is_guests.iter().any(|prefix| mount.source.starts_with(prefix)) {
            return Ok(());
        }
        if let Some(pages) = mount.source.strip_prefix(HUGE_PAGES) {
            return check_huge_pages(field, pages);
        }
        let found = self.lookups.find(&mount.source).map_err(PlanError::lookup(field))?;
        let read_only = mount.is_read_only();
        if !read_only && self.vm.no_writable_file_shares {
            return Err(writable_denied(field));
        }
        let guest = format!("{}/mounts/m{at}", self.container_root());
        let source = std::mem::take(&mut mount.source);
        let change = match found {
            Found::Directory => {
                mount.source.clone_from(&guest);
                self.devices.plan9.add(&source, &guest, read_only, &[])
            }
            Found::File(_) => {
                if self.host.build < builds::V19H1 {
                    let why = "single files need Windows version 1903";
                    return Err(PlanError::unsupported(field, why));
                }
                let (folder, name) = split(&source);
                mount.source = format!("{guest}/{name}");
                self.devices.plan9.add(&folder, &guest, read_only, &[&name])
            }
        };
        self.modify([change]);
        Ok(())
    }

    /// Gives the devices of a Linux container to its VM. The guest knows them by new names.
    pub(super) fn linux_devices(&mut self, spec: &mut Spec) -> Result<()> {
        let devices = spec.windows.as_mut().and_then(|windows| windows.devices.as_mut());
        for (at, device) in devices.into_iter().flatten().enumerate() {
            device.id = self.assign(at, &device.id, &device.id_type)?;
        }
        Ok(())
    }
}

fn check_huge_pages(field: &str, pages: &str) -> Result<()> {
    match pages.split_once('/') {
        Some(("2M", _)) => Ok(()),
        _ => Err(PlanError::field(field, pages, "must be hugepages://2M/<name>")),
    }
}

/// A file's folder, with the backslash that ends it, and its name.
fn split(path: &str) -> (String, String) {
    let name = paths::name(path);
    let folder = path.strip_suffix(&name).unwrap_or_default();
    (folder.to_owned(), name)
}
