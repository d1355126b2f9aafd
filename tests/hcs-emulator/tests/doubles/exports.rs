//! Every function that container hosts look up is there under its name.
//!
//! They are looked up when they are first called, so that one which is missing shows late.

use std::ffi::CString;

use crate::dll::lookup;

const CORE: &str = "HcsCreateOperation HcsCreateOperationWithNotifications HcsCloseOperation \
    HcsGetOperationContext HcsSetOperationContext HcsGetComputeSystemFromOperation \
    HcsGetProcessFromOperation HcsGetOperationType HcsGetOperationId HcsGetOperationResult \
    HcsGetOperationResultAndProcessInfo HcsAddResourceToOperation \
    HcsGetProcessorCompatibilityFromSavedState HcsWaitForOperationResult \
    HcsWaitForOperationResultAndProcessInfo HcsSetOperationCallback HcsCancelOperation \
    HcsGetOperationProperties HcsEnumerateComputeSystems HcsEnumerateComputeSystemsInNamespace \
    HcsCreateComputeSystem HcsCreateComputeSystemInNamespace HcsOpenComputeSystem \
    HcsOpenComputeSystemInNamespace HcsCloseComputeSystem HcsStartComputeSystem \
    HcsShutDownComputeSystem HcsTerminateComputeSystem HcsCrashComputeSystem \
    HcsPauseComputeSystem HcsResumeComputeSystem HcsSaveComputeSystem \
    HcsGetComputeSystemProperties HcsModifyComputeSystem HcsWaitForComputeSystemExit \
    HcsSetComputeSystemCallback HcsInitializeLiveMigrationOnSource HcsStartLiveMigrationOnSource \
    HcsStartLiveMigrationTransfer HcsFinalizeLiveMigration HcsCancelLiveMigration \
    HcsCreateProcess HcsOpenProcess HcsCloseProcess HcsTerminateProcess HcsSignalProcess \
    HcsGetProcessInfo HcsGetProcessProperties HcsModifyProcess HcsSetProcessCallback \
    HcsWaitForProcessExit HcsGetServiceProperties HcsModifyServiceSettings HcsSubmitWerReport \
    HcsCreateEmptyGuestStateFile HcsCreateEmptyRuntimeStateFile HcsGrantVmAccess \
    HcsRevokeVmAccess HcsGrantVmGroupAccess HcsRevokeVmGroupAccess";

const OLDER: &str = "HcsEnumerateComputeSystems HcsCreateComputeSystem HcsOpenComputeSystem \
    HcsCloseComputeSystem HcsStartComputeSystem HcsShutdownComputeSystem \
    HcsTerminateComputeSystem HcsPauseComputeSystem HcsResumeComputeSystem HcsSaveComputeSystem \
    HcsGetComputeSystemProperties HcsModifyComputeSystem HcsRegisterComputeSystemCallback \
    HcsUnregisterComputeSystemCallback HcsCreateProcess HcsOpenProcess HcsCloseProcess \
    HcsTerminateProcess HcsSignalProcess HcsGetProcessInfo HcsGetProcessProperties \
    HcsModifyProcess HcsGetServiceProperties HcsModifyServiceSettings HcsRegisterProcessCallback \
    HcsUnregisterProcessCallback ActivateLayer CopyLayer CreateLayer CreateSandboxLayer \
    ExpandSandboxSize DeactivateLayer DestroyLayer ExportLayer GetLayerMountPath GetBaseImages \
    ImportLayer LayerExists NameToGuid PrepareLayer UnprepareLayer ProcessBaseImage \
    ProcessUtilityImage GrantVmAccess HNSCall";

const STORAGE: &str = "HcsImportLayer HcsExportLayer HcsExportLegacyWritableLayer HcsDestroyLayer \
    HcsSetupBaseOSLayer HcsSetupBaseOSVolume HcsInitializeWritableLayer \
    HcsInitializeLegacyWritableLayer HcsAttachLayerStorageFilter HcsDetachLayerStorageFilter \
    HcsFormatWritableLayerVhd HcsGetLayerVhdMountPath HcsAttachOverlayFilter \
    HcsDetachOverlayFilter";

const NETWORK_THINGS: [&str; 5] = ["Network", "Endpoint", "Namespace", "LoadBalancer", "SdnRoute"];

fn assert_there(dll: &str, names: impl IntoIterator<Item = String>) {
    let missing: Vec<String> = names
        .into_iter()
        .filter(|name| {
            let name = CString::new(name.as_str()).expect("a name without zeros");
            lookup(dll, &name).is_none()
        })
        .collect();
    assert!(missing.is_empty(), "{dll} lacks {missing:?}");
}

#[test]
fn every_function_that_hosts_look_up_is_there() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_there("computecore.dll", words(CORE));
    assert_there("vmcompute.dll", words(OLDER));
    assert_there("computestorage.dll", words(STORAGE));
    let things = NETWORK_THINGS.iter().flat_map(|thing| {
        let verbs = ["Create", "Open", "Modify", "Delete", "Close"];
        let plain = verbs.into_iter().map(move |verb| format!("Hcn{verb}{thing}"));
        plain.chain([format!("HcnEnumerate{thing}s"), format!("HcnQuery{thing}Properties")])
    });
    assert_there("computenetwork.dll", things);
    let service = "HcnOpenService HcnCloseService HcnRegisterServiceCallback \
        HcnUnregisterServiceCallback";
    assert_there("computenetwork.dll", words(service));
}
