//! A Windows container's documents, of schema 2.1 and of schema 1.0, from decided inputs.
//!
//! Both are made in one go, as the originals do; which of them is sent is the caller's business.

use schema::container::{
    Container, CredentialGuard, GuestOs, Layer, MappedDirectory, MappedPipe, Memory, Networking,
    Processor, StorageQos,
};
use schema::document::SchemaVersion;
use schema::v1;

use super::devices;
use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups, builds};
use crate::limits::{self, CpuLimits};
use crate::mounts::{self, PipeVm};
use crate::oci::{Annotations, Network, Spec, Windows};
use crate::vm::{GuestOs as VmOs, HostingVm};
use crate::{paths, registry};

/// What the documents of a container are made from.
pub struct Builder<'a> {
    /// The container's id.
    pub id: &'a str,
    /// Who creates it.
    pub owner: &'a str,
    /// Its spec, with devices already assigned to the VM replaced by their locations.
    pub spec: &'a Spec,
    /// The schema version decided on.
    pub schema: SchemaVersion,
    /// The host.
    pub host: &'a HostFacts,
    /// What to ask the host.
    pub lookups: &'a dyn Lookups,
    /// The VM that hosts it.
    pub vm: Option<&'a HostingVm>,
    /// Recompute the processor limit for the VM's processors.
    pub scale_cpu_limits: bool,
    /// Where its root is mounted; nothing when only acquisition will tell.
    pub root: Option<&'a str>,
    /// Its layers, as they are mounted.
    pub layers: &'a [Layer],
    /// Directories, as they are mapped.
    pub directories: Vec<MappedDirectory>,
    /// Pipes, as they are mapped.
    pub pipes: Vec<MappedPipe>,
    /// Its network namespace.
    pub namespace: &'a str,
    /// Its credential guard instance.
    pub credentials: Option<CredentialGuard>,
}

/// The documents of a Windows container.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// Of schema 2.1.
    pub container: Container,
    /// Of schema 1.0.
    pub v1: v1::ContainerConfig,
    /// Values that were not taken as they were asked for.
    pub remarks: Vec<String>,
}

impl Builder<'_> {
    /// Decides every field.
    pub fn build(self) -> Result<Documents> {
        let why = "a Windows container's document is made from it";
        let windows =
            self.spec.windows.as_ref().ok_or_else(|| PlanError::missing("windows", why))?;
        let mut all = Documents {
            container: Container::default(),
            v1: v1::ContainerConfig {
                system_type: "Container".into(),
                name: self.id.into(),
                owner: self.owner.into(),
                ignore_flushes_during_boot: windows.ignore_flushes_during_boot,
                ..v1::ContainerConfig::default()
            },
            remarks: Vec::new(),
        };
        self.hostname(&mut all);
        self.limits(&mut all)?;
        self.network(windows.network.as_ref(), &mut all);
        self.credentials(windows, &mut all);
        self.root(windows, &mut all)?;
        self.devices(windows, &mut all)?;
        self.registry(&mut all)?;
        self.isolation(&mut all)?;
        self.mounts(&mut all)?;
        Ok(all)
    }

    fn annotations(&self) -> &Annotations {
        static NONE: Annotations = Annotations::new();
        self.spec.annotations.as_ref().unwrap_or(&NONE)
    }

    fn hostname(&self, all: &mut Documents) {
        let name = &self.spec.hostname;
        all.v1.host_name.clone_from(name);
        if !name.is_empty() {
            all.container.guest_os = Some(GuestOs { host_name: name.clone() });
        }
    }

    fn limits(&self, all: &mut Documents) -> Result<()> {
        let cpu = self.cpu(&mut all.remarks)?;
        all.container.processor =
            Some(Processor { count: cpu.count, maximum: cpu.limit, weight: cpu.weight });
        // The original's conversions: a negative number becomes a huge one.
        all.v1.processor_count = cpu.count.cast_unsigned();
        all.v1.processor_maximum = i64::from(cpu.limit);
        all.v1.processor_weight = wide(cpu.weight);

        let memory = limits::memory_mb(self.spec, names::MEMORY, 0);
        if memory > 0 {
            all.container.memory = Some(Memory { size_in_mb: memory });
            all.v1.memory_maximum_in_mb = i64::try_from(memory).unwrap_or(i64::MAX);
        }

        let bandwidth = limits::storage_bps(self.spec, names::STORAGE_BANDWIDTH, 0);
        let iops = limits::storage_iops(self.spec, names::STORAGE_IOPS, 0);
        if bandwidth > 0 || iops > 0 {
            all.container.storage.qos =
                Some(StorageQos { iops_maximum: iops, bandwidth_maximum: bandwidth });
            all.v1.storage_bandwidth_maximum = wide(bandwidth);
            all.v1.storage_iops_maximum = wide(iops);
        }
        Ok(())
    }

    fn cpu(&self, remarks: &mut Vec<String>) -> Result<CpuLimits> {
        let host = i32::try_from(self.host.processors).unwrap_or(i32::MAX);
        let processors = self.vm.map_or(host, |vm| vm.processors);
        let mut cpu = limits::container_cpu(self.spec, processors, remarks)?;
        if self.scale_cpu_limits && self.vm.is_some() && cpu.limit > 0 {
            cpu.limit = limits::scale_limit(cpu.limit, host, processors);
        }
        Ok(cpu)
    }

    fn network(&self, network: Option<&Network>, all: &mut Documents) {
        let Some(network) = network else { return };
        let search = network.dns_search_list.join(",");
        all.v1.endpoint_list.clone_from(&network.endpoint_list);
        all.v1.allow_unqualified_dns_query = network.allow_unqualified_dns_query;
        all.v1.dns_search_list.clone_from(&search);
        all.v1.network_shared_container_name.clone_from(&network.network_shared_container_name);
        all.container.networking = Some(Networking {
            allow_unqualified_dns_query: network.allow_unqualified_dns_query,
            dns_search_list: search,
            network_shared_container_name: network.network_shared_container_name.clone(),
            namespace: self.namespace.into(),
            network_adapters: Vec::new(),
        });
    }

    fn credentials(&self, windows: &Windows, all: &mut Documents) {
        if let Some(spec) = credential_spec(windows) {
            spec.clone_into(&mut all.v1.credentials);
            all.container.container_credential_guard.clone_from(&self.credentials);
        }
    }

    fn devices(&self, windows: &Windows, all: &mut Documents) -> Result<()> {
        if self.schema != SchemaVersion::V2_1 {
            return Ok(());
        }
        all.container.assigned_devices =
            devices::assigned(windows.devices.as_deref().unwrap_or_default())?;
        all.container.additional_device_namespace =
            devices::extensions(self.annotations(), self.host, self.lookups)?;
        Ok(())
    }

    fn registry(&self, all: &mut Documents) -> Result<()> {
        let dumps = self.vm.map_or("", |vm| vm.process_dump_location.as_str());
        let changes = registry::of_container(self.id, self.annotations(), dumps)?;
        all.container.registry_changes = Some(changes);
        Ok(())
    }

    fn isolation(&self, all: &mut Documents) -> Result<()> {
        const FIELD: &str = names::HOST_PROCESS_ROOT;
        if !(self.spec.is_job_container() && self.spec.is_isolated()) {
            return Ok(());
        }
        all.container.isolation_type = "HostProcess".into();
        if let Some(path) = values::text(self.annotations(), FIELD) {
            let rule = "must be a path on a drive, and none that the VM itself needs";
            let path = paths::sanitize(path, paths::FORBIDDEN_IN_VM)
                .ok_or_else(|| PlanError::field(FIELD, path, rule))?;
            all.container.storage.privileged_container_root_path = path;
        }
        Ok(())
    }

    fn mounts(self, all: &mut Documents) -> Result<()> {
        all.v1.mapped_directories = self.v1_directories();
        let pipe = |pipe: &MappedPipe| v1::MappedPipe {
            host_path: pipe.host_path.clone(),
            container_pipe_name: pipe.container_pipe_name.clone(),
        };
        all.v1.mapped_pipes = self.pipes.iter().map(pipe).collect();
        if !self.pipes.is_empty() && self.host.build < builds::RS3 {
            let why = "pipes of the host need Windows Server version 1709";
            return Err(PlanError::unsupported("mounts", why));
        }
        all.container.mapped_directories = self.directories;
        all.container.mapped_pipes = self.pipes;
        Ok(())
    }

    /// Schema 1.0 takes sources as they were asked for.
    fn v1_directories(&self) -> Vec<v1::MappedDir> {
        let is_disk = |kind: &str| self.vm.is_some() && mounts::DISKS.contains(&kind);
        self.spec
            .mounts
            .iter()
            .filter(|mount| !mounts::is_pipe(&mount.source) && !is_disk(&mount.mount_type))
            .map(|mount| v1::MappedDir {
                host_path: mount.source.clone(),
                container_path: mount.destination.clone(),
                read_only: mount.is_read_only(),
                ..v1::MappedDir::default()
            })
            .collect()
    }
}

/// A credential spec; what is not a string is not one.
pub(crate) fn credential_spec(windows: &Windows) -> Option<&str> {
    windows.credential_spec.as_ref()?.as_str()
}

/// The VM as mounts of pipes see it.
pub(crate) fn pipe_vm(vm: &HostingVm) -> PipeVm<'_> {
    PipeVm { id: &vm.id, is_windows: vm.os == VmOs::Windows }
}

/// As the original converts a number with a sign to one without.
fn wide(value: i32) -> u64 {
    i64::from(value).cast_unsigned()
}
