//! What a VM is asked to be: options, from the annotations and resources of a pod's spec.
//!
//! The names of their JSON are the original's, for a person to compare.

mod linux;
mod windows;

use schema::SystemId;
use serde::Serialize;

pub use linux::{AssignedDevice, LinuxOptions, RootFs};
pub use windows::WindowsOptions;

use super::numa::Numa;
use crate::annotations::values;
use crate::error::Result;
use crate::host::HostFacts;
use crate::hvsocket::{self, Table};
use crate::limits;
use crate::oci::{Annotations, Spec};

const TOPOLOGY: &str = "io.microsoft.virtualmachine.computetopology";

/// Options that both kinds of VM have.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are the original's options")]
pub struct CommonOptions {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Who creates it.
    pub owner: String,
    /// Memory.
    #[serde(rename = "MemorySizeInMB")]
    pub memory_size_in_mb: u64,
    /// Memory-mapped I/O below 4 GiB.
    #[serde(rename = "LowMMIOGapInMB")]
    pub low_mmio_gap_in_mb: u64,
    /// Where memory-mapped I/O above 4 GiB begins.
    #[serde(rename = "HighMMIOBaseInMB")]
    pub high_mmio_base_in_mb: u64,
    /// How much of it there is.
    #[serde(rename = "HighMMIOGapInMB")]
    pub high_mmio_gap_in_mb: u64,
    /// The host may page its memory out.
    pub allow_overcommit: bool,
    /// Commit memory when it is touched.
    pub enable_deferred_commit: bool,
    /// Back memory and devices by physical memory.
    pub fully_physically_backed: bool,
    /// Processors.
    pub processor_count: i32,
    /// Share of them, in 1/100000.
    pub processor_limit: i32,
    /// Weight.
    pub processor_weight: i32,
    /// Bytes a second.
    #[serde(rename = "StorageQoSBandwidthMaximum")]
    pub storage_bandwidth: i32,
    /// Operations a second.
    #[serde(rename = "StorageQoSIopsMaximum")]
    pub storage_iops: i32,
    /// Processor group.
    #[serde(rename = "CPUGroupID")]
    pub cpu_group_id: String,
    /// Resource partition.
    #[serde(rename = "ResourcePartitionID")]
    pub resource_partition_id: Option<String>,
    /// SCSI controllers.
    #[serde(rename = "SCSIControllerCount")]
    pub scsi_controller_count: u32,
    /// The address of the network proxy.
    pub network_config_proxy: String,
    /// Where its containers leave process dumps.
    pub process_dump_location: String,
    /// Where the host leaves dumps of the VM.
    pub dump_directory_path: String,
    /// A pipe for its serial console.
    pub console_pipe: String,
    /// Give it a screen.
    pub enable_graphics_console: bool,
    /// Refuse writable shares.
    pub no_writable_file_shares: bool,
    /// One network compartment for all containers.
    pub disable_compartment_namespace: bool,
    /// More socket services.
    #[serde(rename = "AdditionalHyperVConfig")]
    pub additional_hyperv_config: Table,
    /// The folder of the pod's bundle.
    pub bundle_directory: String,
    /// A security policy, in base64.
    pub security_policy: String,
    /// It has one.
    pub security_policy_enabled: bool,
    /// What enforces it.
    pub security_policy_enforcer: String,
    /// The guest state file.
    pub guest_state_file_path: String,
    /// Reference info of the VM.
    #[serde(rename = "UVMReferenceInfoFile")]
    pub reference_info_file: String,
    /// The same in a hash envelope.
    #[serde(rename = "UVMHashEnvelopeReferenceInfoFile")]
    pub hash_envelope_file: String,
    /// Virtual NUMA.
    #[serde(flatten, serialize_with = "numa_fields")]
    pub numa: Numa,
}

/// The original has these among the others, and `null` for an empty list.
fn numa_fields<S: serde::Serializer>(numa: &Numa, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let mut map = serializer.serialize_map(Some(6))?;
    map.serialize_entry("MaxProcessorsPerNumaNode", &numa.max_processors_per_node)?;
    map.serialize_entry("MaxMemorySizePerNumaNode", &numa.max_size_per_node)?;
    map.serialize_entry("PreferredPhysicalNumaNodes", &or_null(&numa.preferred_nodes))?;
    map.serialize_entry("NumaMappedPhysicalNodes", &or_null(&numa.mapped_nodes))?;
    map.serialize_entry("NumaProcessorCounts", &or_null(&numa.processor_counts))?;
    map.serialize_entry("NumaMemoryBlocksCounts", &or_null(&numa.memory_counts))?;
    map.end()
}

fn or_null<T>(items: &[T]) -> Option<&[T]> {
    (!items.is_empty()).then_some(items)
}

impl CommonOptions {
    /// Reads them from a pod's spec.
    fn of(id: &SystemId, owner: &str, spec: &Spec, host: &HostFacts) -> Result<Self> {
        let all = annotations(spec);
        let text = |name: &str| {
            let name = format!("io.microsoft.{name}");
            values::text(all, &name).unwrap_or_default().to_owned()
        };
        let of_vm = |name: &str| format!("io.microsoft.virtualmachine.{name}");
        let memory = |name: &str| {
            values::unsigned(all, &format!("{TOPOLOGY}.memory.{name}")).unwrap_or_default()
        };
        let flag = |name: &str, default| values::boolean(all, name, default);
        let processors = i32::try_from(host.processors).unwrap_or(i32::MAX);
        let default_count = limits::default_vm_processors(processors);
        let topology = |name: &str| format!("{TOPOLOGY}.{name}");
        Ok(Self {
            id: id.to_string(),
            owner: owner.to_owned(),
            memory_size_in_mb: limits::memory_mb(spec, &topology("memory.sizeinmb"), 1024),
            low_mmio_gap_in_mb: memory("lowmmiogapinmb"),
            high_mmio_base_in_mb: memory("highmmiobaseinmb"),
            high_mmio_gap_in_mb: memory("highmmiogapinmb"),
            allow_overcommit: flag(&topology("memory.allowovercommit"), true),
            enable_deferred_commit: flag(&topology("memory.enabledeferredcommit"), false),
            processor_count: limits::cpu_count(spec, &topology("processor.count"), default_count),
            processor_limit: limits::cpu_limit(spec, &topology("processor.limit"), 0),
            processor_weight: limits::cpu_weight(spec, &topology("processor.weight"), 0),
            storage_bandwidth: limits::storage_bps(spec, &of_vm("storageqos.bandwidthmaximum"), 0),
            storage_iops: limits::storage_iops(spec, &of_vm("storageqos.iopsmaximum"), 0),
            cpu_group_id: text("virtualmachine.cpugroup.id"),
            resource_partition_id: values::guid(all, &of_vm("resource-partition-id"))?,
            scsi_controller_count: 1,
            network_config_proxy: text("network.ncproxy"),
            process_dump_location: text("container.processdumplocation"),
            dump_directory_path: text("virtualmachine.dump-directory-path"),
            console_pipe: text("virtualmachine.console.pipe"),
            no_writable_file_shares: flag(&of_vm("fileshares.disablewritable"), false),
            additional_hyperv_config: hvsocket::table(all),
            numa: numa(all),
            ..Self::default()
        })
    }

    /// Physical backing of everything is the last word on overcommitment.
    fn back_physically(&mut self, all: &Annotations) {
        let name = "io.microsoft.virtualmachine.fullyphysicallybacked";
        self.fully_physically_backed = values::boolean(all, name, false);
        if self.fully_physically_backed {
            self.allow_overcommit = false;
        }
    }
}

fn numa(all: &Annotations) -> Numa {
    let name = |name: &str| format!("{TOPOLOGY}.{name}");
    let list = |at: &str| values::unsigned_list(all, &name(at)).unwrap_or_default();
    let number = |at: &str| values::unsigned(all, &name(at)).unwrap_or_default();
    Numa {
        max_processors_per_node: number("processor.numa.max-processors-per-node"),
        max_size_per_node: values::unsigned(all, &name("processor.numa.max-size-per-node"))
            .unwrap_or_default(),
        preferred_nodes: list("numa.preferred-physical-nodes"),
        mapped_nodes: list("numa.mapped-physical-nodes"),
        processor_counts: list("numa.count-of-processors"),
        memory_counts: values::unsigned_list(all, &name("numa.count-of-memory-blocks"))
            .unwrap_or_default(),
    }
}

/// Memory that is encrypted and measured by the processor.
pub(super) fn windows_snp() -> &'static str {
    windows::SNP
}

/// A spec's annotations.
pub(super) fn annotations(spec: &Spec) -> &Annotations {
    static NONE: Annotations = Annotations::new();
    spec.annotations.as_ref().unwrap_or(&NONE)
}
