//! Disks: where each is attached, and where the guest mounts it.

use schema::modify::RequestType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{added, guest_request, host_request};
use crate::step::ModifyVm;
use crate::vm::HostingVm;

/// Disks on a controller.
const LUNS: u32 = 64;

/// The GUIDs of the controllers, as HCS derives them.
pub(crate) const CONTROLLERS: [&str; 4] = [
    "df6d0690-79e5-55b6-a5ec-c1e2f77f580a",
    "0110f83b-de10-5172-a266-78bca56bf50a",
    "b5d2d8d4-3a75-51bf-945b-3444dc6b8579",
    "305891a9-b251-5dfe-91a2-c25d9212275b",
];

/// A disk of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// `VirtualDisk`, `PassThru` or `ExtensibleVirtualDisk`.
    pub kind: String,
    /// Where it is.
    pub path: String,
    /// No writing.
    pub read_only: bool,
    /// Which driver presents it.
    pub extensible_type: String,
}

impl Disk {
    /// A disk in a file.
    pub fn file(path: impl Into<String>, read_only: bool) -> Self {
        Self { kind: "VirtualDisk".into(), path: path.into(), read_only, ..Self::default() }
    }

    /// A disk of the host.
    pub fn physical(path: impl Into<String>, read_only: bool) -> Self {
        Self { kind: "PassThru".into(), path: path.into(), read_only, ..Self::default() }
    }
}

/// How the guest mounts a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the guest's own")]
pub struct DiskMount {
    /// Which partition; 0 is the whole disk.
    pub partition: u64,
    /// No writing.
    pub read_only: bool,
    /// Encrypt it.
    pub encrypted: bool,
    /// Mount options.
    pub options: Vec<String>,
    /// Give the device itself.
    pub block_device: bool,
    /// Format it if it has no file system.
    pub ensure_filesystem: bool,
    /// Which file system.
    pub filesystem: String,
}

/// The disks of a VM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scsi {
    attached: Vec<Attached>,
    mounts: Vec<Mounted>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Attached {
    disk: Disk,
    controller: u32,
    lun: u32,
    count: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mounted {
    controller: u32,
    lun: u32,
    mount: DiskMount,
    path: String,
    count: u32,
}

/// Why a disk has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// Every slot is in use.
    Slots,
    /// Another disk is mounted where this one should be.
    Path,
    /// A Windows guest only looks at the first controller.
    Controller,
}

impl Scsi {
    /// Attaches `disk` and mounts it, at `path` or where there is room. Answers with where the guest
    /// sees it and with the changes that put it there.
    pub fn add(
        &mut self,
        vm: &HostingVm,
        disk: Disk,
        mut mount: DiskMount,
        path: Option<&str>,
    ) -> Result<(String, Vec<ModifyVm>), NoPlace> {
        mount.options.sort();
        let (controller, lun, attach) = self.attach(vm, disk)?;
        if vm.is_windows() && controller != 0 {
            return Err(NoPlace::Controller);
        }
        let (path, mount) = self.mount(vm, controller, lun, mount, path)?;
        // One change of the VM when both of its halves are new, as the originals order them.
        Ok((path, attach.into_iter().chain(mount).collect()))
    }

    fn attach(
        &mut self,
        vm: &HostingVm,
        disk: Disk,
    ) -> Result<(u32, u32, Option<ModifyVm>), NoPlace> {
        if let Some(attached) = self.attached.iter_mut().find(|attached| attached.disk == disk) {
            attached.count += 1;
            return Ok((attached.controller, attached.lun, None));
        }
        let (controller, lun) = self.free_slot(vm).ok_or(NoPlace::Slots)?;
        let change = attachment(vm, &disk, controller, lun);
        self.attached.push(Attached { disk, controller, lun, count: 1 });
        Ok((controller, lun, Some(change)))
    }

    fn free_slot(&self, vm: &HostingVm) -> Option<(u32, u32)> {
        let most = u32::try_from(CONTROLLERS.len()).unwrap_or(u32::MAX);
        let controllers = vm.scsi_controllers.min(most);
        let mut slots =
            (0..controllers).flat_map(|controller| (0..LUNS).map(move |lun| (controller, lun)));
        slots.find(|slot| {
            !vm.reserved_scsi_slots.contains(slot)
                && !self.attached.iter().any(|used| (used.controller, used.lun) == *slot)
        })
    }

    fn mount(
        &mut self,
        vm: &HostingVm,
        controller: u32,
        lun: u32,
        mount: DiskMount,
        path: Option<&str>,
    ) -> Result<(String, Option<ModifyVm>), NoPlace> {
        let same = |other: &&mut Mounted| {
            (other.controller, other.lun) == (controller, lun) && other.mount == mount
        };
        if let Some(mounted) = self.mounts.iter_mut().find(same) {
            mounted.count += 1;
            return Ok((mounted.path.clone(), None));
        }
        let path = path.map_or_else(|| self.free_path(vm), str::to_owned);
        if self.mounts.iter().any(|mounted| mounted.path == path) {
            return Err(NoPlace::Path);
        }
        let change = guest_mount(vm, controller, lun, &mount, &path);
        self.mounts.push(Mounted { controller, lun, mount, path: path.clone(), count: 1 });
        Ok((path, Some(change)))
    }

    /// Mounts are numbered, those at paths of their own too.
    fn free_path(&self, vm: &HostingVm) -> String {
        let number = self.mounts.len();
        if vm.is_windows() {
            format!(r"c:\mounts\scsi\m{number}")
        } else {
            format!("/run/mounts/scsi/m{number}")
        }
    }
}

fn attachment(vm: &HostingVm, disk: &Disk, controller: u32, lun: u32) -> ModifyVm {
    let guid = CONTROLLERS[controller as usize];
    let resource = format!("VirtualMachine/Devices/Scsi/{guid}/Attachments/{lun}");
    let mut settings = Map::new();
    put(&mut settings, "Type", &disk.kind);
    put(&mut settings, "Path", &disk.path);
    put(&mut settings, "ReadOnly", &disk.read_only);
    put(&mut settings, "ExtensibleVirtualDiskType", &disk.extensible_type);
    let unplug = (!vm.is_windows()).then(|| {
        let mut settings = Map::new();
        put(&mut settings, "Controller", &controller);
        put(&mut settings, "Lun", &lun);
        guest_request("SCSIDevice", RequestType::Remove, settings.into())
    });
    let undo =
        added(Some(host_request(resource.clone(), RequestType::Remove, Value::Null)), unplug, None);
    let host = host_request(resource, RequestType::Add, settings.into());
    added(Some(host), None, Some(undo))
}

fn guest_mount(
    vm: &HostingVm,
    controller: u32,
    lun: u32,
    mount: &DiskMount,
    path: &str,
) -> ModifyVm {
    let mut settings = Map::new();
    if vm.is_windows() {
        put(&mut settings, "ContainerPath", &path);
        put(&mut settings, "Lun", &lun);
    } else {
        put(&mut settings, "MountPath", &path);
        put(&mut settings, "Lun", &lun);
        put(&mut settings, "Controller", &controller);
        put(&mut settings, "Partition", &mount.partition);
        put(&mut settings, "ReadOnly", &mount.read_only);
        put(&mut settings, "Encrypted", &mount.encrypted);
        put(&mut settings, "Options", &mount.options);
        put(&mut settings, "BlockDev", &mount.block_device);
        put(&mut settings, "EnsureFilesystem", &mount.ensure_filesystem);
        put(&mut settings, "Filesystem", &mount.filesystem);
    }
    let settings = Value::from(settings);
    let request = |kind| guest_request("MappedVirtualDisk", kind, settings.clone());
    let undo = added(None, Some(request(RequestType::Remove)), None);
    added(None, Some(request(RequestType::Add)), Some(undo))
}

/// Puts what is not zero.
fn put<T: Serialize + Default + PartialEq>(map: &mut Map<String, Value>, name: &str, value: &T) {
    if *value != T::default() {
        map.insert(name.to_owned(), json!(value));
    }
}

/// Splits an extensible disk's source into its type and its path.
pub fn split_extensible(source: &str) -> Option<(String, String)> {
    let source = source.strip_prefix("evd://").unwrap_or(source);
    let (kind, path) = source.split_once('/')?;
    (!kind.is_empty()).then(|| (kind.to_owned(), path.to_owned()))
}
