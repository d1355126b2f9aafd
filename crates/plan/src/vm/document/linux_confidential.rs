//! A Linux VM whose memory the host cannot read.

use schema::SystemId;

use super::common::{ADMINISTRATORS, EVERYBODY, Size, disk, hvsocket, scsi, storage};
use super::linux::{state, topology_of};
use super::windows_boot::copy;
use super::{VmPlan, compute_system, confidential};
use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::Lookups;
use crate::hvsocket::{Service, Table};
use crate::paths::{name, windows_join};
use crate::schema_version::V2_5;
use crate::step::Step;
use crate::vm::options::{LinuxOptions, RootFs, windows_snp};

/// Ports of a confidential VM's sockets: entropy, logs, the bridge and what follows it.
const PORTS: [u32; 4] = [1, 109, 0x4000_0000, 0x4000_0001];

/// A VM whose memory the host cannot read: everything that it boots is measured.
pub(super) fn confidential_vm(
    id: &SystemId,
    options: &LinuxOptions,
    size: &Size,
    controllers: u32,
    lookups: &dyn Lookups,
) -> Result<VmPlan> {
    let common = &options.common;
    if options.root_fs != RootFs::GuestState {
        let rule = "the guest state says what the VM boots from";
        return Err(PlanError::field("lcow.preferredrootfstype", &options.root_fs_file, rule));
    }
    let mut steps = Vec::new();
    let state_file = bundled(
        options,
        &common.guest_state_file_path,
        "lcow.gueststatefile",
        lookups,
        &mut steps,
    )?;
    let mut disks = Vec::new();
    if !options.dm_verity_root_fs_vhd.is_empty() {
        let file = &options.dm_verity_root_fs_vhd;
        let root = bundled(options, file, "lcow.dmverity-rootfs-vhd", lookups, &mut steps)?;
        disks.push(disk(&root, true));
    }
    for step in steps.clone() {
        if let Step::CopyFile { to, .. } = step {
            steps.push(Step::GrantVmGroupAccess { path: to });
        }
    }
    let guest_state = Fields::new()
        .always("GuestStateFilePath", state_file)
        .always("GuestStateFileType", "FileMode")
        .always("ForceTransientState", true);
    let policy = confidential::launch_data(&common.security_policy)?;
    let devices = Fields::new()
        .given("Scsi", scsi(controllers, &disks))
        .always("HvSocket", hvsocket(EVERYBODY, ADMINISTRATORS, ports(options)))
        .always("Plan9", Fields::new());
    let vm = Fields::new()
        .always("StopOnReset", true)
        .always("Chipset", confidential::chipset(true))
        .always("ComputeTopology", topology_of(options, size))
        .always("Devices", devices)
        .always("GuestState", guest_state)
        .given("StorageQoS", storage(common))
        .given("ResourcePartitionId", common.resource_partition_id.clone())
        .always(
            "SecuritySettings",
            confidential::security(windows_snp(), policy, options.hcl_enabled),
        );
    Ok(VmPlan {
        id: id.clone(),
        steps,
        document: compute_system(&common.owner, V2_5, vm.into()),
        state: state(options, size, controllers, !disks.is_empty()),
    })
}

/// A copy of a boot file in the VM's own folder.
fn bundled(
    options: &LinuxOptions,
    file: &str,
    field: &str,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<String> {
    let from = windows_join(&[&options.boot_files_path, file]);
    let to = windows_join(&[&options.common.bundle_directory, &name(file)]);
    copy(field, &from, &to, lookups, steps)?;
    Ok(to)
}

fn ports(options: &LinuxOptions) -> Table {
    let mut table = options.common.additional_hyperv_config.clone();
    let extra = options.extra_ports.iter().flatten();
    for port in PORTS.iter().chain(extra) {
        let service = Service {
            bind_security_descriptor: EVERYBODY.into(),
            connect_security_descriptor: ADMINISTRATORS.into(),
            allow_wildcard_binds: true,
            disabled: false,
        };
        table.insert(format!("{port:08x}-facb-11e6-bd58-64006a7986d3"), service);
    }
    table
}
