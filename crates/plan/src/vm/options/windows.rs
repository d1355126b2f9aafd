//! Options of a VM for Windows containers.

use schema::SystemId;
use schema::container::RegistryValue;
use serde::Serialize;

use super::{CommonOptions, TOPOLOGY, annotations};
use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::HostFacts;
use crate::oci::{Annotations, Spec};
use crate::paths::windows_join;
use crate::registry;

/// Confidential VMs need as much.
const LEAST_CONFIDENTIAL_MEMORY: u64 = 2048;

/// Options of a VM for Windows containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are the original's options")]
pub struct WindowsOptions {
    /// What both kinds have.
    #[serde(flatten)]
    pub common: CommonOptions,
    /// Do not map shares directly.
    pub no_direct_map: bool,
    /// Run on UTC.
    pub no_inherit_host_timezone: bool,
    /// More registry values.
    pub additional_registry_keys: Vec<RegistryValue>,
    /// Forward its logs.
    pub log_forwarding_enabled: bool,
    /// Which ones, as base64 of JSON.
    pub log_sources: String,
    /// Also the usual ones.
    pub default_log_sources_enabled: bool,
    /// Where boot files are.
    pub boot_files_root_path: String,
    /// How its memory is kept from the host.
    pub isolation_type: String,
    /// Boot without secure boot.
    pub disable_secure_boot: bool,
    /// Parameters of its firmware.
    pub firmware_parameters: String,
    /// Its boot disk can be written.
    #[serde(rename = "WritableEFI")]
    pub writable_efi: bool,
    /// Keep its disks when it ends.
    pub debug_mode: bool,
    /// Where.
    pub debug_data_path: String,
}

impl WindowsOptions {
    /// Reads them from a pod's spec.
    pub fn of(id: &SystemId, owner: &str, spec: &Spec, host: &HostFacts) -> Result<Self> {
        let all = annotations(spec);
        let of_vm = |name: &str| format!("io.microsoft.virtualmachine.{name}");
        let text = |name: &str| values::text(all, &of_vm(name)).unwrap_or_default().to_owned();
        let flag = |name: &str, default| values::boolean(all, &of_vm(name), default);
        let registry_values = text("wcow.additional-reg-keys");
        let mut options = Self {
            common: CommonOptions::of(id, owner, spec, host)?,
            no_direct_map: flag("wcow.virtualSMB.nodirectmap", false),
            no_inherit_host_timezone: flag("wcow.timezone.noinherit", false),
            additional_registry_keys: registry::accepted(&registry_values),
            log_sources: text("forwardlogs.sources"),
            default_log_sources_enabled: flag("forwardlogs.defaultsources.enable", true),
            writable_efi: flag("wcow.writable_efi", false),
            ..Self::default()
        };
        options.common.disable_compartment_namespace = flag("disablecompartmentnamespace", false);
        options.common.back_physically(all);
        options.secure(all, host)?;
        let forwards = !options.common.security_policy_enabled;
        options.log_forwarding_enabled = flag("forwardlogs.enable", forwards);
        options.debug(all)?;
        Ok(options)
    }

    /// What a security policy changes.
    fn secure(&mut self, all: &Annotations, host: &HostFacts) -> Result<()> {
        let wcow = |name: &str| format!("io.microsoft.virtualmachine.wcow.{name}");
        let text = |name: &str| values::text(all, &wcow(name)).unwrap_or_default();
        let policy = text("securitypolicy");
        if policy.is_empty() {
            return Ok(());
        }
        policy.clone_into(&mut self.common.security_policy);
        self.common.security_policy_enabled = true;
        text("enforcer").clone_into(&mut self.common.security_policy_enforcer);
        self.common.memory_size_in_mb = confidential_memory(all)?;
        self.common.allow_overcommit = false;
        self.disable_secure_boot = values::boolean(all, &wcow("no_secure_boot"), false);
        self.isolation_type = isolation(all)?;
        values::text(all, names::BOOT_FILES)
            .unwrap_or_default()
            .clone_into(&mut self.boot_files_root_path);
        let folder = self.boot_folder(host);
        let file = |name: String, default: &str| {
            let given = values::text(all, &name).map(str::to_owned);
            given.unwrap_or_else(|| windows_join(&[&folder, default]))
        };
        let envelope = "io.microsoft.virtualmachine.uvm-hash-envelope-reference-info-file";
        self.common.guest_state_file_path = file(wcow("gueststatefile"), self.state_file());
        self.common.reference_info_file =
            file(wcow("uvm-reference-info-file"), "reference_info.cose");
        self.common.hash_envelope_file = file(envelope.into(), "reference_info_hash_envelope.cose");
        Ok(())
    }

    /// Where the boot files of a confidential VM are.
    pub fn boot_folder(&self, host: &HostFacts) -> String {
        if self.boot_files_root_path.is_empty() {
            windows_join(&[&host.shim_folder, "WindowsBootFiles", "confidential"])
        } else {
            self.boot_files_root_path.clone()
        }
    }

    fn state_file(&self) -> &'static str {
        match self.isolation_type.as_str() {
            VBS => "cwcow.vbs.vmgs",
            GUEST_STATE_ONLY => "cwcow.gso.vmgs",
            _ => "cwcow.snp.vmgs",
        }
    }

    fn debug(&mut self, all: &Annotations) -> Result<()> {
        const FIELD: &str = "io.microsoft.wcow.debug";
        if !values::boolean(all, FIELD, false) {
            return Ok(());
        }
        let path = values::text(all, "io.microsoft.wcow.debug_data_path").unwrap_or_default();
        if !self.common.security_policy_enabled || path.is_empty() {
            let rule = "only a VM with a security policy is debugged, and needs a folder for it";
            return Err(PlanError::field(FIELD, "true", rule));
        }
        self.debug_mode = true;
        path.clone_into(&mut self.debug_data_path);
        Ok(())
    }
}

pub(in crate::vm) const SNP: &str = "SecureNestedPaging";
const VBS: &str = "VirtualizationBasedSecurity";
const GUEST_STATE_ONLY: &str = "GuestStateOnly";

/// Only the annotation counts here, not the spec's resources.
fn confidential_memory(all: &Annotations) -> Result<u64> {
    let name = format!("{TOPOLOGY}.memory.sizeinmb");
    let memory = values::unsigned(all, &name).unwrap_or(LEAST_CONFIDENTIAL_MEMORY);
    if memory < LEAST_CONFIDENTIAL_MEMORY {
        return Err(PlanError::field(name, memory, "a confidential VM needs 2048 MB"));
    }
    Ok(memory)
}

fn isolation(all: &Annotations) -> Result<String> {
    const NO_HARDWARE: &str = "io.microsoft.virtualmachine.no_security_hardware";
    const FIELD: &str = "io.microsoft.virtualmachine.wcow.isolation_type";
    let default = if values::boolean(all, NO_HARDWARE, false) { GUEST_STATE_ONLY } else { SNP };
    match values::text(all, FIELD).unwrap_or(default) {
        SNP | "SNP" => Ok(SNP.into()),
        VBS | "VBS" => Ok(VBS.into()),
        GUEST_STATE_ONLY => Ok(GUEST_STATE_ONLY.into()),
        other => {
            let rule = "must be SecureNestedPaging, VirtualizationBasedSecurity or GuestStateOnly";
            Err(PlanError::field(FIELD, other, rule))
        }
    }
}
