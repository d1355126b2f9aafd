//! What the documents of both kinds of VM share.

use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::{HostFacts, builds};
use crate::hvsocket::Table;
use crate::limits;
use crate::vm::devices::CONTROLLERS;
use crate::vm::numa::Layout;
use crate::vm::options::CommonOptions;

/// System and administrators.
pub(super) const ADMINISTRATORS: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)";
/// Everybody.
pub(super) const EVERYBODY: &str = "D:P(A;;FA;;;WD)";

/// A VM's size, after it was fitted to the host.
pub(super) struct Size {
    pub(super) memory: u64,
    pub(super) processors: i32,
    pub(super) numa: Option<Layout>,
}

/// Checks what both kinds have in common, and fits it to the host.
pub(super) fn size(options: &CommonOptions, host: &HostFacts) -> Result<Size> {
    if options.enable_deferred_commit && !options.allow_overcommit {
        let rule = "memory that is backed physically cannot be committed later";
        return Err(PlanError::field("enabledeferredcommit", "true", rule));
    }
    if options.resource_partition_id.is_some() && !options.cpu_group_id.is_empty() {
        return Err(PlanError::Conflict {
            fields: "resource-partition-id and cpugroup.id".into(),
            rule: "a VM is in one of them".into(),
        });
    }
    if !options.cpu_group_id.is_empty() && host.build < builds::V21H1 {
        let why = "a processor group at creation needs Windows version 21H1";
        return Err(PlanError::unsupported("cpugroup.id", why));
    }
    let host_processors = i32::try_from(host.processors).unwrap_or(i32::MAX);
    let processors = limits::normalize_count(options.processor_count, host_processors);
    let memory = limits::normalize_memory(options.memory_size_in_mb);
    let numa = options.numa.layout(host.build, processors.cast_unsigned(), memory)?;
    if numa.is_some() && options.allow_overcommit {
        let rule = "nodes are of physical memory; switch allowovercommit off";
        return Err(PlanError::field("numa", "", rule));
    }
    Ok(Size { memory, processors, numa })
}

/// `ComputeTopology`.
pub(super) fn topology(options: &CommonOptions, size: &Size, hints: Fields) -> Fields {
    let slit = size.numa.as_ref().map(|_| "FirmwareFallbackMeasured");
    let memory = hints
        .put("SizeInMB", size.memory)
        .put("AllowOvercommit", options.allow_overcommit)
        .put("EnableDeferredCommit", options.enable_deferred_commit)
        .put("LowMmioGapInMB", options.low_mmio_gap_in_mb)
        .put("HighMmioBaseInMB", options.high_mmio_base_in_mb)
        .put("HighMmioGapInMB", options.high_mmio_gap_in_mb)
        .given("SlitType", slit);
    let group = (!options.cpu_group_id.is_empty())
        .then(|| Fields::new().put("Id", options.cpu_group_id.clone()));
    let settings = size.numa.as_ref().and_then(|numa| numa.processors.clone());
    // The originals' conversions: a negative number becomes a huge one.
    let processor = Fields::new()
        .put("Count", size.processors.cast_unsigned())
        .put("Limit", i64::from(options.processor_limit).cast_unsigned())
        .put("Weight", i64::from(options.processor_weight).cast_unsigned())
        .given("CpuGroup", group)
        .given("NumaProcessorsSettings", settings);
    Fields::new()
        .always("Memory", memory)
        .always("Processor", processor)
        .given("Numa", size.numa.as_ref().map(|numa| numa.numa.clone()))
}

/// `StorageQoS`, if there is a limit.
pub(super) fn storage(options: &CommonOptions) -> Option<Fields> {
    let (iops, bandwidth) = (options.storage_iops, options.storage_bandwidth);
    (iops > 0 || bandwidth > 0)
        .then(|| Fields::new().put("IopsMaximum", iops).put("BandwidthMaximum", bandwidth))
}

/// `HvSocketConfig`.
pub(super) fn hvsocket(bind: &str, connect: &str, table: Table) -> Fields {
    let config = Fields::new()
        .put("DefaultBindSecurityDescriptor", bind.to_owned())
        .put("DefaultConnectSecurityDescriptor", connect.to_owned())
        .put("ServiceTable", table);
    Fields::new().always("HvSocketConfig", config)
}

/// A disk on a controller.
pub(super) fn disk(path: &str, read_only: bool) -> Fields {
    Fields::new()
        .always("Type", "VirtualDisk")
        .put("Path", path.to_owned())
        .put("ReadOnly", read_only)
}

/// `Scsi`: so many controllers, the first with these disks.
pub(super) fn scsi(controllers: u32, disks: &[Fields]) -> Option<Fields> {
    let mut all = Fields::new();
    for (at, guid) in CONTROLLERS.iter().enumerate().take(controllers as usize) {
        let attached = (at == 0 && !disks.is_empty()).then(|| {
            let numbered = disks.iter().enumerate();
            numbered.fold(Fields::new(), |all, (lun, disk)| all.always(&lun.to_string(), disk))
        });
        all = all.always(guid, Fields::new().given("Attachments", attached));
    }
    (!all.is_empty()).then_some(all)
}

/// The serial console and the screen.
pub(super) fn consoles(options: &CommonOptions, devices: Fields) -> Fields {
    let pipe = (!options.console_pipe.is_empty()).then(|| {
        let port = Fields::new().put("NamedPipe", options.console_pipe.clone());
        Fields::new().always("0", port)
    });
    let devices = devices.given("ComPorts", pipe);
    if !options.enable_graphics_console {
        return devices;
    }
    ["Keyboard", "EnhancedModeVideo", "VideoMonitor"]
        .iter()
        .fold(devices, |devices, name| devices.always(name, Fields::new()))
}
