//! hcsshim's `internal/oci`: what annotations make of a VM's options. The documents that come of them are judged
//! by the golden cases.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use plan::host::{Found, LookupError, Lookups};
use plan::vm::{LinuxOptions, WindowsOptions};
use plan::{HostFacts, Spec};
use schema::SystemId;
use serde_json::{Value, json};

const VM: &str = "io.microsoft.virtualmachine.";

fn host() -> HostFacts {
    HostFacts::windows(26100, 16, r"C:\shim")
}

fn spec(sections: Value, annotations: &[(&str, &str)]) -> Spec {
    let mut spec = sections;
    for (name, value) in annotations {
        let name = if name.starts_with("io.") { (*name).to_owned() } else { format!("{VM}{name}") };
        spec["annotations"][name] = (*value).into();
    }
    Spec::from_value(spec).unwrap()
}

fn windows(annotations: &[(&str, &str)]) -> Result<WindowsOptions, String> {
    let spec = spec(json!({ "windows": { "hyperv": {} }, "annotations": {} }), annotations);
    let id = SystemId::new("pod@vm").unwrap();
    WindowsOptions::of(&id, "owner", &spec, &host()).map_err(|refused| refused.to_string())
}

/// Every file is there.
struct Files;

impl Lookups for Files {
    fn find(&self, _path: &str) -> Result<Found, LookupError> {
        Ok(Found::File(1))
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn read(&self, _path: &str) -> Result<String, LookupError> {
        Ok(String::new())
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn new_guid(&self) -> String {
        String::new()
    }
}

fn linux(annotations: &[(&str, &str)]) -> LinuxOptions {
    let sections = json!({ "linux": {}, "windows": { "hyperv": {} }, "annotations": {} });
    let id = SystemId::new("pod@vm").unwrap();
    LinuxOptions::of(&id, "owner", &spec(sections, annotations), &host(), &Files).unwrap()
}

const POLICY: (&str, &str) = ("wcow.securitypolicy", "cGFja2FnZSBwb2xpY3kK");
const MEMORY: &str = "computetopology.memory.sizeinmb";

/// "common options, LCOW and WCOW".
#[test]
fn either_kind_takes_what_both_have() {
    let group = "11111111-b24d-5685-ddf6-69830ed40ec3";
    let asked = [
        ("computetopology.processor.count", "8"),
        ("cpugroup.id", group),
        ("fileshares.disablewritable", "true"),
        ("computetopology.memory.lowmmiogapinmb", "100"),
    ];
    for common in [windows(&asked).unwrap().common, linux(&asked).common] {
        assert_eq!(common.processor_count, 8);
        assert_eq!(common.cpu_group_id, group);
        assert!(common.no_writable_file_shares);
        assert_eq!(common.low_mmio_gap_in_mb, 100);
    }
}

/// "confidential WCOW: defaults", "overrides", and "memory 1024 → error".
#[test]
fn a_confidential_vm_has_its_own_defaults_and_they_can_be_changed() {
    let usual = windows(&[POLICY]).unwrap();
    assert_eq!(usual.common.memory_size_in_mb, 2048);
    assert!(!usual.common.allow_overcommit && !usual.disable_secure_boot && !usual.writable_efi);
    assert_eq!(usual.common.security_policy_enforcer, "");
    assert_eq!(usual.isolation_type, "SecureNestedPaging");
    assert!(usual.common.guest_state_file_path.ends_with(r"\cwcow.snp.vmgs"));

    let changed = windows(&[
        POLICY,
        (MEMORY, "4096"),
        ("wcow.enforcer", "rego"),
        ("wcow.no_secure_boot", "true"),
        ("wcow.gueststatefile", r"C:\own.vmgs"),
        ("wcow.isolation_type", "VirtualizationBasedSecurity"),
        ("wcow.writable_efi", "true"),
    ]);
    let changed = changed.unwrap();
    assert_eq!(changed.common.memory_size_in_mb, 4096);
    assert_eq!(changed.common.security_policy_enforcer, "rego");
    assert!(changed.disable_secure_boot && changed.writable_efi);
    assert_eq!(changed.common.guest_state_file_path, r"C:\own.vmgs");
    assert_eq!(changed.isolation_type, "VirtualizationBasedSecurity");

    let small = windows(&[POLICY, (MEMORY, "1024")]).unwrap_err();
    assert!(small.contains("2048"), "{small}");
    assert!(
        windows(&[("wcow.writable_efi", "true")]).unwrap().writable_efi,
        "without a policy too"
    );
}

/// "VMGS name follows isolation type", and "boot-files root moves VMGS and reference info".
#[test]
fn its_files_are_where_its_boot_files_are_and_are_called_by_its_isolation() {
    for (isolation, name) in [
        ("SecureNestedPaging", "cwcow.snp.vmgs"),
        ("VirtualizationBasedSecurity", "cwcow.vbs.vmgs"),
        ("GuestStateOnly", "cwcow.gso.vmgs"),
    ] {
        let asked = [POLICY, ("wcow.isolation_type", isolation), ("bootfilesrootpath", r"C:\boot")];
        let common = windows(&asked).unwrap().common;
        assert_eq!(common.guest_state_file_path, format!(r"C:\boot\{name}"));
        assert_eq!(common.reference_info_file, r"C:\boot\reference_info.cose");
    }
}

/// "debug mode: with path ok, without path → error, non-confidential → error".
#[test]
fn only_a_confidential_vm_is_debugged_and_with_a_place_for_what_is_kept() {
    let (debug, path) =
        (("io.microsoft.wcow.debug", "true"), ("io.microsoft.wcow.debug_data_path", r"C:\kept"));
    let debugged = windows(&[POLICY, debug, path]).unwrap();
    assert!(debugged.debug_mode);
    assert_eq!(debugged.debug_data_path, r"C:\kept");
    for refused in [&[POLICY, debug][..], &[debug, path]] {
        let told = windows(refused).unwrap_err();
        assert!(told.contains("io.microsoft.wcow.debug"), "{told}");
    }
}

/// "LCOW policy": with one, with one and no hardware for it, without.
#[test]
fn a_policy_for_linux_containers_changes_how_the_vm_boots_where_there_is_hardware() {
    let policy = ("lcow.securitypolicy", "cGFja2FnZSBwb2xpY3kK");
    let with = linux(&[policy]);
    assert!(with.common.security_policy_enabled && with.dm_verity_mode);
    assert_eq!(with.pmem_count, 0);
    assert!(with.common.guest_state_file_path.ends_with("kernel.vmgs"));
    assert!(!with.common.allow_overcommit && with.enable_scratch_encryption);

    let simulated = linux(&[policy, ("no_security_hardware", "true")]);
    assert!(simulated.common.security_policy_enabled && !simulated.dm_verity_mode);
    assert!(simulated.pmem_count > 0 && simulated.enable_scratch_encryption);
    assert_eq!(simulated.common.guest_state_file_path, "");

    let without = linux(&[]);
    assert!(!without.common.security_policy_enabled && !without.enable_scratch_encryption);
}
