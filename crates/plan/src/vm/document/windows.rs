//! The document of a VM for Windows containers.

use schema::SystemId;
use schema::container::{RegistryChanges, RegistryValue};
use schema::document::SchemaVersion;
use serde_json::json;

use super::common::{
    ADMINISTRATORS, Size, consoles, disk, hvsocket, scsi, size, storage, topology,
};
use super::windows_boot::{Boot, boot};
use super::{VmPlan, VmState, compute_system, confidential};
use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::{Found, HostFacts, Lookups};
use crate::hvsocket::Service;
use crate::oci::Spec;
use crate::paths::windows_join;
use crate::registry::{dword, key};
use crate::request::RootfsMount;
use crate::schema_version::V2_5;
use crate::step::Step;
use crate::vm::GuestOs;
use crate::vm::devices::ShareOptions;
use crate::vm::options::{WindowsOptions, windows_snp};

/// The service that takes a VM's logs.
const LOG_SERVICE: &str = "172dad59-976d-45f2-8b6c-6d1b13f2ac4d";
/// Marks a scratch that nobody has formatted yet.
const UNFORMATTED: &str = "a7b3c5d1-4e2f-4a8b-9c6d-1e3f5a7b9c2d";

/// Plans a VM for Windows containers.
pub fn windows(
    id: &SystemId,
    options: &WindowsOptions,
    spec: &Spec,
    rootfs: &[RootfsMount],
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<VmPlan> {
    let common = &options.common;
    check(options)?;
    let size = size(common, host)?;
    let mut steps = Vec::new();
    let boot = boot(id, options, spec, rootfs, host, lookups, &mut steps)?;
    let dumps = dumps(id, options, lookups, &mut steps)?;
    let security = confidential_parts(options, &boot)?;
    grant_boot_files(id, options, &boot, &mut steps);

    let hint = Fields::new().put("EnableHotHint", common.allow_overcommit);
    let devices = consoles(common, devices(options, &boot));
    let devices = match &dumps {
        Some(dumps) => devices.always("GuestCrashReporting", dumps.crash_reporting()),
        None => devices,
    };
    let vm = Fields::new()
        .given("Version", security.as_ref().map(|_| json!({ "Major": 12 })))
        .always("StopOnReset", true)
        .always("Chipset", chipset(options))
        .always("ComputeTopology", topology(common, &size, hint))
        .always("Devices", devices)
        .given("GuestState", security.as_ref().map(|all| all.guest_state.clone()))
        .always("RegistryChanges", registry_changes(options))
        .given("StorageQoS", storage(common))
        .given("DebugOptions", dumps.map(|dumps| dumps.debug_options()))
        .given("ResourcePartitionId", common.resource_partition_id.clone())
        .given("SecuritySettings", security.as_ref().map(|all| all.settings.clone()));
    let schema = if security.is_some() { V2_5 } else { SchemaVersion::V2_1 };
    Ok(VmPlan {
        id: id.clone(),
        steps,
        document: compute_system(&common.owner, schema, vm.into()),
        state: state(options, &size, &boot),
    })
}

fn check(options: &WindowsOptions) -> Result<()> {
    let common = &options.common;
    if common.scsi_controller_count != 1 {
        let rule = "a VM for Windows containers has one SCSI controller";
        return Err(PlanError::field("SCSIControllerCount", common.scsi_controller_count, rule));
    }
    if common.security_policy_enabled && common.guest_state_file_path.is_empty() {
        let why = "a VM with a security policy starts from it";
        return Err(PlanError::missing("wcow.gueststatefile", why));
    }
    if common.enable_graphics_console && options.isolation_type == windows_snp() {
        let rule = "a VM whose memory is encrypted has no screen";
        return Err(PlanError::field("EnableGraphicsConsole", "true", rule));
    }
    Ok(())
}

fn chipset(options: &WindowsOptions) -> Fields {
    if options.common.security_policy_enabled {
        let parameters = &options.firmware_parameters;
        let file = (!parameters.is_empty())
            .then(|| Fields::new().always("Parameters", confidential::base64(parameters)));
        return confidential::chipset(!options.disable_secure_boot).given("FirmwareFile", file);
    }
    let boot = Fields::new()
        .always("DeviceType", "VmbFs")
        .always("DevicePath", r"\EFI\Microsoft\Boot\bootmgfw.efi");
    Fields::new().always("Uefi", Fields::new().always("BootThis", boot))
}

fn devices(options: &WindowsOptions, boot: &Boot) -> Fields {
    let disks: Vec<_> =
        boot.disks().iter().map(|(path, read_only)| disk(path, *read_only)).collect();
    let share = match boot {
        Boot::Files { os_files, .. } => {
            let options = ShareOptions::layer(no_direct_map(options));
            json!({ "Name": "os", "Path": os_files, "Options": options })
        }
        Boot::Images { .. } => {
            let path = windows_join(&[&options.common.bundle_directory, "EmptyDoNotModify"]);
            let options = ShareOptions {
                read_only: true,
                share_read: true,
                no_oplocks: true,
                ..ShareOptions::default()
            };
            json!({ "Name": "defaultEmptyShare", "Path": path, "Options": options })
        }
    };
    let smb = Fields::new().always("Shares", [share]).always("DirectFileMappingInMB", 1024);
    let mut table = options.common.additional_hyperv_config.clone();
    if options.log_forwarding_enabled {
        table.insert(LOG_SERVICE.into(), log_service());
    }
    Fields::new()
        .given("Scsi", scsi(options.common.scsi_controller_count, &disks))
        .always("HvSocket", hvsocket(ADMINISTRATORS, "", table))
        .always("VirtualSmb", smb)
}

fn log_service() -> Service {
    Service {
        bind_security_descriptor: ADMINISTRATORS.into(),
        connect_security_descriptor: ADMINISTRATORS.into(),
        allow_wildcard_binds: true,
        disabled: false,
    }
}

fn no_direct_map(options: &WindowsOptions) -> bool {
    options.common.fully_physically_backed || options.no_direct_map
}

/// What a VM's own registry gets, in the original's order.
fn registry_changes(options: &WindowsOptions) -> RegistryChanges {
    let mut add_values: Vec<RegistryValue> = Vec::new();
    if !options.common.process_dump_location.is_empty() {
        let reporting = r"Microsoft\Windows\Windows Error Reporting";
        let service = key("System", r"ControlSet001\Services\WerSvc");
        add_values.push(dword(service, "Start", 2));
        add_values.push(dword(key("Software", reporting), "Disabled", 1));
    }
    if !options.common.disable_compartment_namespace {
        let service = key("System", r"CurrentControlSet\Services\gns");
        add_values.push(dword(service, "EnableCompartmentNamespace", 1));
    }
    add_values.extend(options.additional_registry_keys.iter().cloned());
    RegistryChanges { add_values, delete_keys: Vec::new() }
}

/// What a security policy adds.
struct Confidential {
    guest_state: Fields,
    settings: Fields,
}

fn confidential_parts(options: &WindowsOptions, boot: &Boot) -> Result<Option<Confidential>> {
    let Boot::Images { guest_state, .. } = boot else { return Ok(None) };
    let launch_data = confidential::launch_data(&options.common.security_policy)?;
    let guest_state = Fields::new()
        .always("GuestStateFilePath", guest_state)
        .always("GuestStateFileType", "BlockStorage");
    let settings = confidential::security(&options.isolation_type, launch_data, Some(true));
    Ok(Some(Confidential { guest_state, settings }))
}

/// Lets the VM open what it boots from.
fn grant_boot_files(id: &SystemId, options: &WindowsOptions, boot: &Boot, steps: &mut Vec<Step>) {
    let grant = |path: &str| Step::GrantVmAccess { vm: id.to_string(), path: path.to_owned() };
    match boot {
        Boot::Files { scratch, .. } => steps.push(grant(scratch)),
        Boot::Images { efi, os, guest_state, scratch, .. } => {
            steps.extend([efi, os, guest_state, scratch].map(|path| grant(path)));
            steps.push(Step::SetDiskIdentifier { path: scratch.clone(), id: UNFORMATTED.into() });
            let share = windows_join(&[&options.common.bundle_directory, "EmptyDoNotModify"]);
            steps.push(Step::CreateFolder { path: share.clone() });
            steps.push(grant(&share));
        }
    }
}

/// Where the host leaves dumps of the VM.
struct Dumps {
    folder: String,
    id: String,
}

impl Dumps {
    fn path(&self, end: &str) -> String {
        windows_join(&[&self.folder, &format!("{}-{end}", self.id)])
    }

    fn crash_reporting(&self) -> Fields {
        let settings = Fields::new()
            .always("DumpFileName", self.path("windows-crash"))
            .always("DumpType", "Full");
        Fields::new().always("WindowsCrashSettings", settings)
    }

    fn debug_options(&self) -> Fields {
        Fields::new().always("BugcheckSavedStateFileName", self.path("savedstate.vmrs")).always(
            "BugcheckNoCrashdumpSavedStateFileName",
            self.path("savedstate_nocrashdump.vmrs"),
        )
    }
}

fn dumps(
    id: &SystemId,
    options: &WindowsOptions,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<Option<Dumps>> {
    const FIELD: &str = "io.microsoft.virtualmachine.dump-directory-path";
    let folder = options.common.dump_directory_path.clone();
    if folder.is_empty() {
        return Ok(None);
    }
    match lookups.find(&folder).map_err(PlanError::lookup(FIELD))? {
        Found::Directory => {}
        Found::File(_) => return Err(PlanError::field(FIELD, folder, "must be a folder")),
    }
    steps.push(Step::GrantVmGroupAccess { path: folder.clone() });
    Ok(Some(Dumps { folder, id: id.to_string() }))
}

fn state(options: &WindowsOptions, size: &Size, boot: &Boot) -> VmState {
    let disks = u32::try_from(boot.disks().len()).unwrap_or_default();
    VmState {
        operating_system: GuestOs::Windows,
        processor_count: size.processors,
        physically_backed: !options.common.allow_overcommit,
        devices_physically_backed: options.common.fully_physically_backed,
        scsi_controller_count: options.common.scsi_controller_count,
        reserved_scsi_slots: (0..disks).map(|lun| (0, lun)).collect(),
        vsmb_no_direct_map: options.no_direct_map,
        no_writable_file_shares: options.common.no_writable_file_shares,
        process_dump_location: options.common.process_dump_location.clone(),
        no_inherit_host_timezone: options.no_inherit_host_timezone,
        log_forwarding_enabled: options.log_forwarding_enabled,
        log_sources: options.log_sources.clone(),
        default_log_sources_enabled: options.default_log_sources_enabled,
        ..VmState::default()
    }
}
