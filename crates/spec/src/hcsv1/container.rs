//! The container's document.

use oci_spec::runtime::{Mount, Windows};

use super::documents::{
    AssignedDevice, ContainerConfig, HvRuntime, Layer, MappedDirectory, MappedPipe,
};
use super::error::HcsV1Error;
use super::hidden::{Limits, allows_unqualified_dns};
use crate::Lookups;
use crate::oci::Spec;
use crate::winpath;

const BYTES_PER_MB: u64 = 1024 * 1024;
const PIPE: &str = r"\\.\pipe\";

/// What a document depends on beyond the spec.
pub struct Host<'h, L> {
    /// Processors of the host; a container's count is cut to them.
    pub cpus: u32,
    /// HCS's name-to-GUID function, for a layer folder's last element.
    pub layer_id: &'h dyn Fn(&str) -> String,
    /// Finds the utility VM's image.
    pub lookups: &'h L,
}

/// The document for the container `id`.
pub fn container<L: Lookups>(
    id: &str,
    spec: &Spec,
    host: &Host<'_, L>,
) -> Result<ContainerConfig, HcsV1Error> {
    if spec.linux().is_some() {
        return Err(HcsV1Error::Linux);
    }
    let windows = spec.windows().as_ref().ok_or(HcsV1Error::NotWindows)?;
    let mut document = ContainerConfig {
        system_type: "Container",
        owner: "docker",
        name: id.to_owned(),
        host_name: spec.hostname().clone().unwrap_or_default(),
        ignore_flushes_during_boot: windows.ignore_flushes_during_boot().unwrap_or_default(),
        credentials: spec.credential_spec.clone().unwrap_or_default(),
        hv_partition: windows.hyperv().is_some(),
        ..ContainerConfig::default()
    };
    limits(&mut document, windows, host.cpus);
    network(&mut document, windows);
    let folders = windows.layer_folders().as_deref().unwrap_or_default();
    let (scratch, parents) = folders.split_last().ok_or(HcsV1Error::Layers)?;
    if parents.is_empty() {
        return Err(HcsV1Error::Layers);
    }
    document.layer_folder_path.clone_from(scratch);
    root(&mut document, spec, windows, parents, host.lookups)?;
    document.layers = parents.iter().map(|path| layer(path, host.layer_id)).collect();
    mounts(&mut document, spec.mounts().as_deref().unwrap_or_default())?;
    document.assigned_devices = devices(windows)?;
    Ok(document)
}

fn limits(document: &mut ContainerConfig, windows: &Windows, cpus: u32) {
    let limits = Limits::of(windows.resources());
    document.processor_count = limits.cpu.count.min(u64::from(cpus));
    document.processor_weight = limits.cpu.shares;
    document.processor_maximum = limits.cpu.maximum;
    document.memory_maximum_in_mb = limits.memory.limit / BYTES_PER_MB;
    document.storage_bandwidth_maximum = limits.storage.bps;
    document.storage_iops_maximum = limits.storage.iops;
}

fn network(document: &mut ContainerConfig, windows: &Windows) {
    let Some(network) = windows.network() else { return };
    document.endpoint_list = network.endpoint_list().clone().unwrap_or_default();
    document.allow_unqualified_dns_query = allows_unqualified_dns(network);
    document.dns_search_list = network.dns_search_list().as_deref().unwrap_or_default().join(",");
    document.network_shared_container_name =
        network.network_shared_container_name().clone().unwrap_or_default();
}

/// A silo's volume without its last character, or a VM's image.
fn root(
    document: &mut ContainerConfig,
    spec: &Spec,
    windows: &Windows,
    parents: &[String],
    lookups: &impl Lookups,
) -> Result<(), HcsV1Error> {
    let root = spec.root().as_ref();
    let path = root.map(|root| root.path().to_string_lossy()).unwrap_or_default();
    if let Some(hyperv) = windows.hyperv() {
        if hyperv.utility_vm_path().as_ref().is_some_and(|path| !path.is_empty()) {
            return Err(HcsV1Error::ExplicitUtilityVm);
        }
        document.hv_runtime = Some(HvRuntime { image_path: utility_vm(parents, lookups)? });
        if !path.is_empty() {
            return Err(HcsV1Error::HyperVRoot);
        }
    } else {
        let mut characters = path.chars();
        characters.next_back().ok_or(HcsV1Error::NoRoot)?;
        characters.as_str().clone_into(&mut document.volume_path);
    }
    let readonly = root.and_then(oci_spec::runtime::Root::readonly);
    if readonly == Some(true) { Err(HcsV1Error::ReadonlyRoot) } else { Ok(()) }
}

/// The image in the topmost layer that has one.
fn utility_vm(parents: &[String], lookups: &impl Lookups) -> Result<String, HcsV1Error> {
    for parent in parents {
        let path = winpath::join(parent, "UtilityVM");
        match lookups.stat(&path) {
            Ok(Some(_)) => return Ok(path),
            Ok(None) => {}
            Err(error) => return Err(HcsV1Error::Stat { path, error }),
        }
    }
    Err(HcsV1Error::NoUtilityVm)
}

fn layer(path: &str, layer_id: &dyn Fn(&str) -> String) -> Layer {
    let name = path.rsplit(winpath::is_separator).next().unwrap_or_default();
    Layer { id: layer_id(name), path: path.to_owned() }
}

fn mounts(document: &mut ContainerConfig, mounts: &[Mount]) -> Result<(), HcsV1Error> {
    for mount in mounts {
        if let Some(kind) = mount.typ().as_ref().filter(|kind| !kind.is_empty()) {
            return Err(HcsV1Error::MountType(kind.clone()));
        }
        let source = mount.source().as_ref().map(|path| path.to_string_lossy().into_owned());
        let host_path = source.unwrap_or_default();
        let place = mount.destination().to_string_lossy();
        match place.strip_prefix(PIPE) {
            Some(pipe) => document
                .mapped_pipes
                .push(MappedPipe { host_path, container_pipe_name: pipe.to_owned() }),
            None => document.mapped_directories.push(MappedDirectory {
                host_path,
                container_path: place.into_owned(),
                read_only: is_read_only(mount),
                ..MappedDirectory::default()
            }),
        }
    }
    Ok(())
}

fn is_read_only(mount: &Mount) -> bool {
    mount.options().iter().flatten().any(|option| option.eq_ignore_ascii_case("ro"))
}

fn devices(windows: &Windows) -> Result<Vec<AssignedDevice>, HcsV1Error> {
    let devices = windows.devices().as_deref().unwrap_or_default();
    if !devices.is_empty() && windows.hyperv().is_some() {
        return Err(HcsV1Error::HyperVDevice);
    }
    let assigned = devices.iter().map(|device| match device.id_type().as_str() {
        "class" | "vpci-class-guid" => {
            Ok(AssignedDevice { interface_class_guid: device.id().clone() })
        }
        other => Err(HcsV1Error::DeviceType(other.to_owned())),
    });
    assigned.collect()
}
