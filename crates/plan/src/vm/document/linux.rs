//! The document of a VM for Linux containers.

use schema::SystemId;
use schema::document::SchemaVersion;
use serde_json::json;

use super::common::{
    ADMINISTRATORS, Size, consoles, disk, hvsocket, scsi, size, storage, topology,
};
use super::linux_boot::{chipset, root_on_pmem, root_on_scsi};
use super::linux_confidential::confidential_vm;
use super::{VmPlan, VmState, compute_system};
use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::{HostFacts, Lookups, builds};
use crate::paths::windows_join;
use crate::vm::GuestOs;
use crate::vm::devices::functions;
use crate::vm::options::LinuxOptions;

const PAGE: u64 = 4096;

/// Plans a VM for Linux containers.
pub fn linux(
    id: &SystemId,
    options: &LinuxOptions,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<VmPlan> {
    check(options, host)?;
    let size = size(&options.common, host)?;
    let controllers = controllers(options, host);
    if !options.common.guest_state_file_path.is_empty() {
        return confidential_vm(id, options, &size, controllers, lookups);
    }
    check_boot_files(options, lookups)?;
    let vm = Fields::new()
        .always("StopOnReset", true)
        .always("Chipset", chipset(options, host)?)
        .always("ComputeTopology", topology_of(options, &size))
        .always("Devices", devices(options, &size, controllers, host, lookups)?)
        .given("StorageQoS", storage(&options.common))
        .given("ResourcePartitionId", options.common.resource_partition_id.clone());
    let on_scsi = root_on_scsi(options);
    Ok(VmPlan {
        id: id.clone(),
        steps: Vec::new(),
        document: compute_system(&options.common.owner, SchemaVersion::V2_1, vm.into()),
        state: state(options, &size, controllers, on_scsi),
    })
}

fn check(options: &LinuxOptions, host: &HostFacts) -> Result<()> {
    let refuse = |field: &str, value: String, rule: &str| Err(PlanError::field(field, value, rule));
    let controllers = options.common.scsi_controller_count;
    if controllers > 4 {
        return refuse("SCSIControllerCount", controllers.to_string(), "there are at most four");
    }
    if options.pmem_count > 128 {
        let rule = "there are at most 128";
        return refuse("virtualpmem.maximumcount", options.pmem_count.to_string(), rule);
    }
    if options.pmem_count > 0 && !options.pmem_size.is_multiple_of(PAGE) {
        let rule = "must be a multiple of 4096";
        return refuse("virtualpmem.maximumsizebytes", options.pmem_size.to_string(), rule);
    }
    if options.kernel_direct && host.build < builds::KERNEL_DIRECT {
        let why = "booting without firmware needs Windows build 18286";
        return Err(PlanError::unsupported("lcow.kerneldirectboot", why));
    }
    if options.enable_cold_discard_hint && host.build < builds::COLD_DISCARD {
        let why = "the hint needs Windows build 18967";
        return Err(PlanError::unsupported("memory.enablecolddiscardhint", why));
    }
    Ok(())
}

/// Without memory devices all layers are disks, which need more controllers.
fn controllers(options: &LinuxOptions, host: &HostFacts) -> u32 {
    if options.pmem_count == 0 && host.build >= builds::RS5 {
        return 4;
    }
    options.common.scsi_controller_count
}

fn check_boot_files(options: &LinuxOptions, lookups: &dyn Lookups) -> Result<()> {
    for file in [&options.kernel_file, &options.root_fs_file] {
        let path = windows_join(&[&options.boot_files_path, file]);
        lookups.find(&path).map_err(PlanError::lookup("bootfilesrootpath"))?;
    }
    Ok(())
}

pub(super) fn topology_of(options: &LinuxOptions, size: &Size) -> Fields {
    let hints = Fields::new().put("EnableColdDiscardHint", options.enable_cold_discard_hint);
    topology(&options.common, size, hints)
}

fn devices(
    options: &LinuxOptions,
    size: &Size,
    controllers: u32,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Fields> {
    let root = windows_join(&[&options.boot_files_path, &options.root_fs_file]);
    let disks: Vec<_> = root_on_scsi(options).then(|| disk(&root, true)).into_iter().collect();
    let table = options.common.additional_hyperv_config.clone();
    let devices = Fields::new()
        .given("Scsi", scsi(controllers, &disks))
        .given("VirtualPMem", pmem(options, &root))
        .always("HvSocket", hvsocket(ADMINISTRATORS, "", table))
        .always("Plan9", Fields::new())
        .given("VirtualPci", pci(options, size, host, lookups)?);
    Ok(consoles(&options.common, devices))
}

fn pmem(options: &LinuxOptions, root: &str) -> Option<Fields> {
    if options.pmem_count == 0 {
        return None;
    }
    let device = root_on_pmem(options).then(|| {
        let disk = json!({ "HostPath": root, "ReadOnly": true, "ImageFormat": "Vhd1" });
        Fields::new().always("0", disk)
    });
    Some(
        Fields::new()
            .given("Devices", device)
            .put("MaximumCount", options.pmem_count)
            .put("MaximumSizeBytes", options.pmem_size),
    )
}

fn pci(
    options: &LinuxOptions,
    size: &Size,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Option<Fields>> {
    let devices = options.assigned_devices.as_deref().unwrap_or_default();
    let numa = host.build >= builds::WS2025 && size.numa.is_some();
    let mut all = Fields::new();
    for (at, device) in devices.iter().enumerate() {
        if devices[..at].contains(device) {
            let rule = "is named twice";
            return Err(PlanError::field("windows.devices", &device.device, rule));
        }
        let functions = functions(&device.device, device.function);
        let assigned =
            Fields::new().always("Functions", functions).put("PropagateNumaAffinity", numa);
        all = all.always(&lookups.new_guid(), assigned);
    }
    Ok((!all.is_empty()).then_some(all))
}

pub(super) fn state(
    options: &LinuxOptions,
    size: &Size,
    controllers: u32,
    root_disk: bool,
) -> VmState {
    VmState {
        operating_system: GuestOs::Linux,
        processor_count: size.processors,
        physically_backed: !options.common.allow_overcommit,
        devices_physically_backed: options.common.fully_physically_backed,
        scsi_controller_count: controllers,
        reserved_scsi_slots: root_disk.then_some((0, 0)).into_iter().collect(),
        vpmem_max_count: options.pmem_count,
        vpmem_max_size_bytes: options.pmem_size,
        vpmem_multi_mapping: !options.pmem_no_multi_mapping,
        no_writable_file_shares: options.common.no_writable_file_shares,
        encrypt_scratch: options.enable_scratch_encryption,
        policy_based_routing: options.policy_based_routing,
        ..VmState::default()
    }
}
