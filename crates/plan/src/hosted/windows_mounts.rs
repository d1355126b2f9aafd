//! Mounts of a Windows container in a Windows VM.

use schema::container::{MappedDirectory, MappedPipe};
use schema::modify::RequestType;
use serde_json::Value;

use super::context::Context;
use crate::error::{PlanError, Result};
use crate::mounts::{self, EXTENSIBLE_DISK, IN_SANDBOX, IN_VM, PHYSICAL_DISK, VIRTUAL_DISK};
use crate::oci::Mount;
use crate::vm::Devices;
use crate::vm::devices::{Disk, DiskMount, added, host_request, split_extensible};
use crate::wcow::pipe_vm;

/// Pipes and disks; directories are looked up in the VM's shares.
#[derive(Default)]
pub(super) struct Mounts {
    pub(super) pipes: Vec<MappedPipe>,
    pub(super) disks: Vec<MappedDirectory>,
}

impl Context<'_> {
    /// Gives the VM what the mounts need.
    pub(super) fn windows_mounts(&mut self) -> Result<Mounts> {
        let mut all = Mounts::default();
        let request = self.request;
        for (at, mount) in request.spec.mounts.iter().enumerate() {
            mounts::check_ends(at, mount)?;
            self.windows_mount(&format!("mounts.{at}"), mount, &mut all)?;
        }
        Ok(all)
    }

    fn windows_mount(&mut self, field: &str, mount: &Mount, all: &mut Mounts) -> Result<()> {
        let kind = mount.mount_type.as_str();
        if mounts::DISKS.contains(&kind) {
            let host_path = self.windows_disk(field, mount)?;
            all.disks.push(mapped(host_path, mount));
            return Ok(());
        }
        if !kind.is_empty() {
            let rule = "a Windows VM takes disks and untyped mounts only";
            return Err(PlanError::field(format!("{field}.type"), kind, rule));
        }
        if mount.source.starts_with(IN_SANDBOX) {
            self.sandbox_folder(&mount.source);
            return Ok(());
        }
        if let Some(pipe) = mounts::named_pipe(mount, Some(pipe_vm(self.vm))) {
            if !pipe.in_vm {
                self.host_pipe(&mount.source);
            }
            all.pipes.push(pipe.mapped);
            return Ok(());
        }
        if mount.source.starts_with(IN_VM) {
            let rule = "only pipes of the VM can be mapped";
            return Err(PlanError::field(format!("{field}.source"), &mount.source, rule));
        }
        let options = self.share_options(mount.is_read_only());
        self.share(&format!("{field}.source"), &mount.source, options)
    }

    fn windows_disk(&mut self, field: &str, mount: &Mount) -> Result<String> {
        let field = format!("{field}.source");
        let (disk, grant) = disk(&field, mount)?;
        let how = DiskMount { read_only: disk.read_only, ..DiskMount::default() };
        self.disk(&field, disk, how, None, grant)
    }

    /// A confidential guest makes the folder itself. `dir` makes the command succeed when the folder
    /// is there already.
    fn sandbox_folder(&mut self, source: &str) {
        if !self.vm.confidential {
            let path = mounts::sandbox_path(source);
            self.exec(&["cmd", "/c", "mkdir", &path, "&", "dir", &path]);
        }
    }

    fn host_pipe(&mut self, pipe: &str) {
        let resource = format!("VirtualMachine/Devices/MappedPipes/{pipe}");
        let request = |kind| Some(host_request(resource.clone(), kind, Value::Null));
        let undo = added(request(RequestType::Remove), None, None);
        self.modify([added(request(RequestType::Add), None, Some(undo))]);
    }
}

/// The disk that a mount names, and whether the VM must be allowed to open it.
pub(super) fn disk(field: &str, mount: &Mount) -> Result<(Disk, bool)> {
    let read_only = mount.is_read_only();
    match mount.mount_type.as_str() {
        PHYSICAL_DISK => Ok((Disk::physical(&mount.source, read_only), true)),
        VIRTUAL_DISK => Ok((Disk::file(&mount.source, read_only), true)),
        EXTENSIBLE_DISK => {
            let rule = "must be evd://<type>/<path>";
            let (extensible_type, path) = split_extensible(&mount.source)
                .ok_or_else(|| PlanError::field(field, &mount.source, rule))?;
            let kind = "ExtensibleVirtualDisk".into();
            Ok((Disk { kind, path, read_only, extensible_type }, false))
        }
        other => Err(PlanError::field(field, other, "is not a kind of disk")),
    }
}

/// The directories of a container in a Windows VM, in the order of its mounts, disks last.
pub fn directories(
    mounts: &[Mount],
    devices: &Devices,
    disks: &[MappedDirectory],
) -> Result<Vec<MappedDirectory>> {
    let mut all = Vec::new();
    for (at, mount) in mounts.iter().enumerate() {
        if mounts::is_pipe(&mount.source) || mounts::DISKS.contains(&mount.mount_type.as_str()) {
            continue;
        }
        let host_path = if mount.source.starts_with(IN_SANDBOX) {
            mounts::sandbox_path(&mount.source)
        } else {
            devices.shares.guest_path(&mount.source, mount.is_read_only()).ok_or_else(|| {
                PlanError::missing(format!("mounts.{at}.source"), "the VM was not given it")
            })?
        };
        all.push(mapped(host_path, mount));
    }
    all.extend_from_slice(disks);
    Ok(all)
}

fn mapped(host_path: String, mount: &Mount) -> MappedDirectory {
    MappedDirectory {
        host_path,
        host_path_type: String::new(),
        container_path: mount.destination.clone(),
        read_only: mount.is_read_only(),
    }
}
