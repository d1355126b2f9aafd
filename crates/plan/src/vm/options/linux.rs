//! Options of a VM for Linux containers.

use schema::SystemId;
use serde::{Serialize, Serializer};

use super::{CommonOptions, annotations};
use crate::annotations::{names, values};
use crate::error::Result;
use crate::host::{HostFacts, Lookups, builds};
use crate::oci::{Annotations, Spec};
use crate::paths::{clean, windows_join};
use crate::vm::devices::{is_assignable, split_function};

/// The kernel's file.
pub(in crate::vm) const KERNEL: &str = "kernel";
const UNCOMPRESSED_KERNEL: &str = "vmlinux";
const INITRD: &str = "initrd.img";
const ROOT_VHD: &str = "rootfs.vhd";
const GUEST_STATE: &str = "kernel.vmgs";

/// What a Linux VM boots from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RootFs {
    /// A file system in memory.
    #[default]
    Initrd,
    /// A disk.
    Vhd,
    /// What its guest state names.
    GuestState,
}

impl Serialize for RootFs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// A device that is given to a VM when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssignedDevice {
    /// The device.
    pub device: String,
    /// Its virtual function.
    pub function: u16,
}

/// Options of a VM for Linux containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are the original's options")]
pub struct LinuxOptions {
    /// What both kinds have.
    #[serde(flatten)]
    pub common: CommonOptions,
    /// Where boot files are.
    pub boot_files_path: String,
    /// Boot the kernel without firmware.
    pub kernel_direct: bool,
    /// Its file.
    pub kernel_file: String,
    /// More for its command line.
    pub kernel_boot_options: String,
    /// What it boots from.
    #[serde(rename = "PreferredRootFSType")]
    pub root_fs: RootFs,
    /// The file of that.
    #[serde(rename = "RootFSFile")]
    pub root_fs_file: String,
    /// The agent's command line.
    pub exec_command_line: String,
    /// Forward the agent's stdout.
    pub forward_stdout: bool,
    /// Forward the agent's stderr.
    pub forward_stderr: bool,
    /// The agent connects to the shim.
    pub use_guest_connection: bool,
    /// Not used.
    pub use_guest_state_file: bool,
    /// Do not keep its clock.
    pub disable_time_sync_service: bool,
    /// Persistent memory devices.
    #[serde(rename = "VPMemDeviceCount")]
    pub pmem_count: u32,
    /// The size of each.
    #[serde(rename = "VPMemSizeBytes")]
    pub pmem_size: u64,
    /// One disk on each.
    #[serde(rename = "VPMemNoMultiMapping")]
    pub pmem_no_multi_mapping: bool,
    /// Devices can be given to it.
    #[serde(rename = "VPCIEnabled")]
    pub pci_enabled: bool,
    /// Devices that are given to it when it is made; absent when the spec names none.
    pub assigned_devices: Option<Vec<AssignedDevice>>,
    /// Hint that cold memory can go.
    pub enable_cold_discard_hint: bool,
    /// Encrypt scratches.
    pub enable_scratch_encryption: bool,
    /// The host compatibility layer.
    pub hcl_enabled: Option<bool>,
    /// Check the root disk's hashes.
    pub dm_verity_mode: bool,
    /// The root disk that is checked.
    pub dm_verity_root_fs_vhd: String,
    /// The device mapper's table.
    pub dm_verity_create_args: String,
    /// More ports of its sockets.
    #[serde(rename = "ExtraVSockPorts")]
    pub extra_ports: Option<Vec<u32>>,
    /// Make folders of the root disk writable.
    pub writable_overlay_dirs: bool,
    /// Route by policy.
    pub policy_based_routing: bool,
}

impl LinuxOptions {
    /// Reads them from a pod's spec.
    pub fn of(
        id: &SystemId,
        owner: &str,
        spec: &Spec,
        host: &HostFacts,
        lookups: &dyn Lookups,
    ) -> Result<Self> {
        let all = annotations(spec);
        let lcow = |name: &str| format!("io.microsoft.virtualmachine.lcow.{name}");
        let text = |name: &str| values::text(all, &lcow(name)).unwrap_or_default().to_owned();
        let flag = |name: &str| values::boolean(all, &lcow(name), false);
        let mut options =
            Self { common: CommonOptions::of(id, owner, spec, host)?, ..Self::usual(host) };
        options.use_boot_folder(default_folder(host, lookups), lookups);
        options.devices(all, host);
        if let Some(folder) = values::text(all, names::BOOT_FILES) {
            options.use_boot_folder(clean(folder), lookups);
        }
        options.kernel_boot_options = text("kernelbootoptions");
        options.disable_time_sync_service = flag("timesync.disable");
        options.writable_overlay_dirs = flag("writable-overlay-directories");
        options.policy_based_routing = flag("network.policybasedrouting");
        let extra = text("extra-exec-command-args");
        if !extra.is_empty() {
            options.exec_command_line = format!("{} {extra}", options.exec_command_line);
        }
        options.root_and_kernel(all);
        options.common.back_physically(all);
        if options.common.fully_physically_backed {
            options.pmem_count = 0;
        }
        options.secure(all);
        options.assigned_devices = assigned(spec);
        Ok(options)
    }

    fn usual(host: &HostFacts) -> Self {
        Self {
            kernel_direct: host.build >= builds::KERNEL_DIRECT,
            kernel_file: KERNEL.into(),
            root_fs_file: INITRD.into(),
            exec_command_line: format!(
                "/bin/gcs -v4 -log-format json -loglevel {}",
                host.log_level
            ),
            forward_stderr: true,
            use_guest_connection: true,
            pmem_count: 64,
            pmem_size: 4 << 30,
            pmem_no_multi_mapping: host.build < builds::V19H1,
            ..Self::default()
        }
    }

    /// What a folder's files decide stays decided when another folder is chosen after it.
    fn use_boot_folder(&mut self, folder: String, lookups: &dyn Lookups) {
        let has = |name: &str| lookups.exists(&windows_join(&[&folder, name]));
        if has(ROOT_VHD) {
            self.root_fs = RootFs::Vhd;
            self.root_fs_file = ROOT_VHD.into();
        }
        if self.kernel_direct && has(UNCOMPRESSED_KERNEL) {
            self.kernel_file = UNCOMPRESSED_KERNEL.into();
        }
        self.boot_files_path = folder;
    }

    fn devices(&mut self, all: &Annotations, host: &HostFacts) {
        let pmem = |name: &str| format!("io.microsoft.virtualmachine.devices.virtualpmem.{name}");
        let lcow = |name: &str| format!("io.microsoft.virtualmachine.lcow.{name}");
        self.pmem_count = values::unsigned(all, &pmem("maximumcount")).unwrap_or(self.pmem_count);
        self.pmem_size = values::unsigned(all, &pmem("maximumsizebytes")).unwrap_or(self.pmem_size);
        let default = host.build < builds::V19H1;
        self.pmem_no_multi_mapping = values::boolean(all, &lcow("vpmem.nomultimapping"), default);
        self.pci_enabled = values::boolean(all, &lcow("vpcienabled"), false);
        self.extra_ports = values::unsigned_list(all, &lcow("extra-vsock-ports"));
        let hint = "io.microsoft.virtualmachine.computetopology.memory.enablecolddiscardhint";
        self.enable_cold_discard_hint = values::boolean(all, hint, false);
    }

    fn root_and_kernel(&mut self, all: &Annotations) {
        let lcow = |name: &str| format!("io.microsoft.virtualmachine.lcow.{name}");
        match values::text(all, &lcow("preferredrootfstype")) {
            Some("initrd") => {
                self.root_fs = RootFs::Initrd;
                self.root_fs_file = INITRD.into();
            }
            Some("vhd") => {
                self.root_fs = RootFs::Vhd;
                self.root_fs_file = ROOT_VHD.into();
            }
            Some(_) | None => {}
        }
        self.kernel_direct = values::boolean(all, &lcow("kerneldirectboot"), self.kernel_direct);
        if !self.kernel_direct {
            self.kernel_file = KERNEL.into();
        }
    }

    /// What a security policy changes. Only with the hardware for it does the VM boot another way.
    fn secure(&mut self, all: &Annotations) {
        let lcow = |name: &str| format!("io.microsoft.virtualmachine.lcow.{name}");
        let text = |name: &str| values::text(all, &lcow(name)).map(str::to_owned);
        let common = &mut self.common;
        common.security_policy = text("securitypolicy").unwrap_or_default();
        common.security_policy_enforcer = text("enforcer").unwrap_or_default();
        common.reference_info_file =
            text("uvm-reference-info-file").unwrap_or_else(|| "reference_info.cose".into());
        let envelope = "io.microsoft.virtualmachine.uvm-hash-envelope-reference-info-file";
        common.hash_envelope_file =
            values::text(all, envelope).unwrap_or("reference_info_hash_envelope.cose").into();
        let has_policy = !common.security_policy.is_empty();
        let no_hardware = "io.microsoft.virtualmachine.no_security_hardware";
        if has_policy && !values::boolean(all, no_hardware, false) {
            common.allow_overcommit = false;
            common.guest_state_file_path = GUEST_STATE.into();
            self.pmem_count = 0;
            self.kernel_boot_options.clear();
            self.root_fs = RootFs::GuestState;
            self.root_fs_file.clear();
            self.dm_verity_root_fs_vhd = ROOT_VHD.into();
            self.dm_verity_mode = true;
        }
        self.common.security_policy_enabled = has_policy;
        let encrypted = "io.microsoft.virtualmachine.storage.scratch.encrypted";
        self.enable_scratch_encryption = values::boolean(all, encrypted, has_policy);
        if let Some(file) = text("gueststatefile") {
            self.common.guest_state_file_path = file;
        }
        if let Some(file) = text("dmverity-rootfs-vhd") {
            self.dm_verity_root_fs_vhd = file;
        }
        self.dm_verity_mode = values::boolean(all, &lcow("dmverity-mode"), self.dm_verity_mode);
        self.dm_verity_create_args = text("dmverity-create-args").unwrap_or_default();
        self.hcl_enabled = values::optional_boolean(all, &lcow("hcl-enabled"));
    }
}

fn default_folder(host: &HostFacts, lookups: &dyn Lookups) -> String {
    let beside = windows_join(&[&host.shim_folder, "LinuxBootFiles"]);
    if lookups.exists(&beside) {
        beside
    } else {
        windows_join(&[&host.program_files, "Linux Containers"])
    }
}

/// Devices of the pod that can be given to a VM; others are left out.
fn assigned(spec: &Spec) -> Option<Vec<AssignedDevice>> {
    let devices = spec.windows.as_ref()?.devices.as_ref()?;
    let assignable = devices.iter().filter(|device| is_assignable(&device.id_type));
    Some(
        assignable
            .map(|device| {
                let (device, function) = split_function(&device.id);
                AssignedDevice { device, function }
            })
            .collect(),
    )
}
