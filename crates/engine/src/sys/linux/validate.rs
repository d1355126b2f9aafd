//! A document's every field decided or refused, before anything is touched.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use schema::container::{Container, MappedDirectory, Networking, Processor};
use schema::document::ComputeSystem;
use schema::{MiB, SystemId};

use super::credentials::CredentialsPlan;
use super::disk::DiskKind;
use super::plan::{
    IoLimit, LEAST_MEMORY, Limits, MappedPlan, MappedSource, ProcessorLimit, SiloPlan, StoragePlan,
    WinePlan,
};
use super::platform::Platform;
use crate::error::ErrorKind;
use crate::host::HostConfig;

/// Decides a silo.
pub(crate) fn decide(
    id: &SystemId,
    document: &ComputeSystem,
    config: &HostConfig,
    platform: &Platform,
) -> Result<SiloPlan, ErrorKind> {
    let container = container_of(document)?;
    refuse_what_is_not_done(document, container)?;
    let networking = container.networking.clone().unwrap_or_default();
    let credentials = super::credentials::decide(container.container_credential_guard.as_ref())?;
    let mut storage = storage(container, platform)?;
    storage.wine.variables.extend(credentials.as_ref().map(CredentialsPlan::variable));
    Ok(SiloPlan {
        owner: document.owner.clone(),
        host_name: host_name(id, container)?,
        storage,
        mapped: container.mapped_directories.iter().map(mapped).collect::<Result<_, _>>()?,
        pipes: super::mapped_pipes::decide(&container.mapped_pipes, config)?,
        devices: super::devices::decide(&container.assigned_devices)?,
        credentials,
        network: network(&networking, config)?,
        dns_search: search_list(&networking.dns_search_list)?,
        unqualified_names: networking.allow_unqualified_dns_query,
        limits: limits(container)?,
        registry: container.registry_changes.clone().unwrap_or_default(),
        cgroup: super::cgroup::name_of(id, &config.state),
        asked_cgroup: super::cgroup::asked(&container.control_group)?,
    })
}

/// The container of a document that is one for this engine.
pub(crate) fn container_of(document: &ComputeSystem) -> Result<&Container, ErrorKind> {
    if document.schema_version.major != 2 {
        let value = format!("{:?}", document.schema_version);
        return Err(invalid("SchemaVersion.Major", value, "only schema 2 is known"));
    }
    if document.virtual_machine.is_some() || !document.hosting_system_id.is_empty() {
        return Err(unsupported(
            "a document with a VirtualMachine or a HostingSystemId",
            "hypervisor isolation comes with the VM engine; use process isolation",
        ));
    }
    document.container.as_ref().ok_or_else(|| {
        invalid("Container", "nothing".into(), "a compute system without one has nothing to run")
    })
}

fn refuse_what_is_not_done(
    document: &ComputeSystem,
    container: &Container,
) -> Result<(), ErrorKind> {
    let refusals: [(bool, &str, &str); 5] = [
        (
            document.should_terminate_on_last_handle_closed,
            "ShouldTerminateOnLastHandleClosed",
            "on Linux a silo outlives its handles and is terminated by id",
        ),
        (
            container.hv_socket.is_some(),
            "Container.HvSocket",
            "Hyper-V sockets need a Windows host",
        ),
        (
            container.additional_device_namespace.is_some(),
            "Container.AdditionalDeviceNamespace",
            "Windows device extensions do not exist on a Linux host",
        ),
        (
            !container.storage.privileged_container_root_path.is_empty(),
            "Container.Storage.PrivilegedContainerRootPath",
            "host-process containers need a Windows host",
        ),
        (
            container.networking.as_ref().is_some_and(|n| !n.network_adapters.is_empty()),
            "Container.Networking.NetworkAdapters",
            "endpoints are attached to the namespace by the network provider",
        ),
    ];
    if let Some((_, what, why)) = refusals.into_iter().find(|(asked, ..)| *asked) {
        return Err(unsupported(what, why));
    }
    match container.isolation_type.as_str() {
        "" => Ok(()),
        "HostProcess" => Err(unsupported(
            "Container.IsolationType `HostProcess`",
            "a host process would be a Windows process of a Linux host",
        )),
        other => Err(invalid("Container.IsolationType", other.into(), "only `HostProcess` exists")),
    }
}

/// The asked-for name, or the id cut to what a host name may be.
fn host_name(id: &SystemId, container: &Container) -> Result<String, ErrorKind> {
    let asked = container.guest_os.as_ref().map_or("", |guest| guest.host_name.as_str());
    if asked.is_empty() {
        let mut name: String =
            id.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        name.truncate(12);
        return Ok(name.trim_matches('-').to_owned());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    if asked.len() > 63 || !asked.chars().all(allowed) {
        let rule = "a host name has at most 63 letters, digits, `-`, `_` and `.`";
        return Err(invalid("Container.GuestOs.HostName", asked.into(), rule));
    }
    Ok(asked.to_owned())
}

fn storage(container: &Container, platform: &Platform) -> Result<StoragePlan, ErrorKind> {
    let scratch = absolute("Container.Storage.Path", &container.storage.path)?;
    if !scratch.join("prefix").is_dir() && !scratch.join(super::scratch::IMAGE).is_file() {
        let rule = "the scratch must have been made by `create_scratch`";
        return Err(invalid("Container.Storage.Path", container.storage.path.clone(), rule));
    }
    let mut lowers = Vec::with_capacity(container.storage.layers.len() + 1);
    for (at, layer) in container.storage.layers.iter().enumerate() {
        let field = format!("Container.Storage.Layers[{at}].Path");
        let files = absolute(&field, &layer.path)?.join("fs");
        if !files.is_dir() {
            return Err(invalid(
                &field,
                layer.path.clone(),
                "there is no layer with an `fs` there",
            ));
        }
        lowers.push(files);
    }
    // An application's own files win over the platform, the platform over Microsoft's base.
    lowers.insert(lowers.len().saturating_sub(1), platform.drive_c.clone());
    let wine = WinePlan {
        loader: platform.loader.clone(),
        server: platform.server.clone(),
        variables: Vec::new(),
    };
    let in_use = platform.drive_c.with_file_name("in-use");
    // One of a size of its own is a file system that nobody else waits for.
    let passing = scratch.join(crate::PASSING).is_file() && scratch.join("prefix").is_dir();
    Ok(StoragePlan { lowers, scratch, passing, runtime: platform.runtime.clone(), in_use, wine })
}

/// Decides one mapped directory; also used for those added to a running system.
pub(crate) fn mapped(asked: &MappedDirectory) -> Result<MappedPlan, ErrorKind> {
    const HOST: &str = "Container.MappedDirectories.HostPath";
    const INSIDE: &str = "Container.MappedDirectories.ContainerPath";
    let there = || {
        let path = absolute(HOST, &asked.host_path)?;
        let missing = || invalid(HOST, asked.host_path.clone(), "there is nothing there");
        path.exists().then_some(path).ok_or_else(missing)
    };
    let source = match asked.host_path_type.as_str() {
        "" | "AbsolutePath" => MappedSource::Path(there()?),
        "virtual-disk" => MappedSource::Disk(there()?, DiskKind::Virtual),
        "physical-disk" => MappedSource::Disk(there()?, DiskKind::Physical),
        "tmpfs" => MappedSource::Memory(memory_size(HOST, &asked.host_path)?),
        _ => {
            return Err(unsupported(
                "Container.MappedDirectories.HostPathType",
                "only absolute paths of this host, and its disks, can be mapped",
            ));
        }
    };
    let target = windows_components(&asked.container_path)
        .map_err(|rule| invalid(INSIDE, asked.container_path.clone(), rule))?;
    Ok(MappedPlan { source, target, read_only: asked.read_only })
}

/// Memory has no path on the host, but a size there.
fn memory_size(field: &str, size: &str) -> Result<Option<u64>, ErrorKind> {
    if size.is_empty() {
        return Ok(None);
    }
    let bytes = size.parse().ok().filter(|bytes: &u64| *bytes > 0);
    let rule = "the size of a tmpfs is a number of bytes";
    bytes.map(Some).ok_or_else(|| invalid(field, size.to_owned(), rule))
}

/// A Windows path below `C:\` as its components.
pub(crate) fn windows_components(path: &str) -> Result<Vec<String>, &'static str> {
    let path = path.strip_prefix(r"\\?\").unwrap_or(path);
    let rest = match path.as_bytes() {
        [b'C' | b'c', b':', b'\\' | b'/', ..] => &path[3..],
        [b'\\' | b'/', b'\\' | b'/', ..] => return Err("it must be a path on `C:`"),
        [b'\\' | b'/', ..] => &path[1..],
        _ => return Err("it must be an absolute path on `C:`"),
    };
    let mut components: Vec<String> = Vec::new();
    for part in rest.split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => {
                components.pop().ok_or("it leads out of `C:`")?;
            }
            // Windows itself drops trailing dots and blanks, so two spellings would be one file.
            _ if part.ends_with(['.', ' ']) => return Err("a name may not end in a dot or blank"),
            _ if part.contains(|c: char| c.is_control() || "<>:\"|?*".contains(c)) => {
                return Err("a name has a character that Windows does not allow");
            }
            _ if part.len() > 255 => return Err("a name is longer than 255 bytes"),
            _ => components.push(part.to_owned()),
        }
    }
    if components.is_empty() { Err("`C:\\` itself cannot be mapped over") } else { Ok(components) }
}

fn network(asked: &Networking, config: &HostConfig) -> Result<Option<PathBuf>, ErrorKind> {
    const FIELD: &str = "Container.Networking.Namespace";
    if !asked.network_shared_container_name.is_empty() {
        return Err(unsupported(
            "Container.Networking.NetworkSharedContainerName",
            "name that container's namespace in Container.Networking.Namespace",
        ));
    }
    let name = asked.namespace.as_str();
    let path = match name {
        "" => return Ok(None),
        _ if Path::new(name).is_absolute() => PathBuf::from(name),
        _ if name.contains('/') || name.starts_with('.') => {
            return Err(invalid(FIELD, name.into(), "a name, or an absolute path"));
        }
        _ => config.state.join("netns").join(name),
    };
    if !path.exists() {
        return Err(invalid(FIELD, name.into(), "there is no such namespace"));
    }
    Ok(Some(path))
}

fn search_list(list: &str) -> Result<Vec<String>, ErrorKind> {
    let suffixes: Vec<String> =
        list.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    if suffixes.iter().any(|s| s.contains(|c: char| c.is_whitespace() || c.is_control())) {
        let rule = "suffixes are separated by commas and hold no blanks";
        return Err(invalid("Container.Networking.DnsSearchList", list.into(), rule));
    }
    Ok(suffixes)
}

fn limits(container: &Container) -> Result<Limits, ErrorKind> {
    let processor = container.processor.as_ref().map_or(Ok(ProcessorLimit::None), processor)?;
    let asked = container.memory.as_ref().map_or(0, |memory| memory.size_in_mb);
    let io = container.storage.qos.as_ref().map(|qos| {
        let number = |field: &str, value: i32| {
            u64::try_from(value).map_err(|_| {
                let field = format!("Container.Storage.QoS.{field}");
                invalid(&field, value.to_string(), "it must not be negative")
            })
        };
        Ok::<_, ErrorKind>(IoLimit {
            operations: number("IopsMaximum", qos.iops_maximum)?,
            bytes: number("BandwidthMaximum", qos.bandwidth_maximum)?,
        })
    });
    let io = io.transpose()?.filter(|limit| limit.operations + limit.bytes > 0);
    Ok(Limits { processor, memory: memory("Container.Memory.SizeInMB", asked)?, io })
}

/// Decides a memory limit; 0 is none.
pub(crate) fn memory(field: &str, asked: u64) -> Result<Option<MiB>, ErrorKind> {
    match MiB(asked) {
        MiB(0) => Ok(None),
        small if small < LEAST_MEMORY => {
            let rule = format!("Wine needs at least {} MiB to start", LEAST_MEMORY.0);
            Err(ErrorKind::InvalidDocument { field: field.into(), value: asked.to_string(), rule })
        }
        MiB(huge) if huge > u64::MAX >> 21 => {
            Err(invalid(field, asked.to_string(), "no host has so much"))
        }
        limit => Ok(Some(limit)),
    }
}

/// Decides a processor limit: at most one of the three ways to name one.
pub(crate) fn processor(asked: &Processor) -> Result<ProcessorLimit, ErrorKind> {
    let field = |name: &str| format!("Container.Processor.{name}");
    let within = |name: &str, value: i32, top: u32| match u32::try_from(value) {
        Ok(value) if (1..=top).contains(&value) => Ok(value),
        _ => Err(ErrorKind::InvalidDocument {
            field: field(name),
            value: value.to_string(),
            rule: format!("it must be from 1 to {top}"),
        }),
    };
    match (asked.count, asked.maximum, asked.weight) {
        (0, 0, 0) => Ok(ProcessorLimit::None),
        (count, 0, 0) => Ok(ProcessorLimit::Count(within("Count", count, processors())?)),
        (0, maximum, 0) => Ok(ProcessorLimit::Maximum(within("Maximum", maximum, 10_000)?)),
        (0, 0, weight) => Ok(ProcessorLimit::Weight(within("Weight", weight, 10_000)?)),
        _ => Err(invalid(
            "Container.Processor",
            format!("{asked:?}"),
            "Count, Maximum and Weight exclude each other",
        )),
    }
}

/// How many processors this host has.
pub(crate) fn processors() -> u32 {
    let count = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(crate) fn absolute(field: &str, path: &str) -> Result<PathBuf, ErrorKind> {
    if Path::new(path).is_absolute() && !path.contains('\0') {
        return Ok(PathBuf::from(path));
    }
    Err(invalid(field, path.into(), "it must be an absolute path of this host"))
}

pub(crate) fn invalid(field: &str, value: String, rule: &str) -> ErrorKind {
    ErrorKind::InvalidDocument { field: field.into(), value, rule: rule.into() }
}

pub(crate) fn unsupported(what: &str, why: &str) -> ErrorKind {
    ErrorKind::Unsupported { what: what.into(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_path_is_taken_apart_whatever_its_slashes() {
        assert_eq!(windows_components(r"C:\a\B c").unwrap(), ["a", "B c"]);
        assert_eq!(windows_components(r"\\?\c:/a/./b/../d\").unwrap(), ["a", "d"]);
        assert_eq!(windows_components(r"\data").unwrap(), ["data"]);
    }

    #[test]
    fn a_windows_path_that_leads_out_or_means_something_else_is_refused() {
        for bad in
            ["", "C:", r"C:\", "data", r"D:\x", r"\\srv\share", r"C:\a\..\..", r"C:\a:b", r"C:\a."]
        {
            assert!(windows_components(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn only_one_processor_limit_is_taken_and_each_within_its_range() {
        let ask = |count, maximum, weight| processor(&Processor { count, maximum, weight });
        assert_eq!(ask(0, 5000, 0).unwrap(), ProcessorLimit::Maximum(5000));
        assert_eq!(ask(0, 0, 0).unwrap(), ProcessorLimit::None);
        for (count, maximum, weight) in [(1, 1, 0), (0, 10_001, 0), (-1, 0, 0), (0, 0, 10_001)] {
            assert!(ask(count, maximum, weight).is_err());
        }
    }

    #[test]
    fn memory_too_small_for_wine_is_refused_with_the_field() {
        let error = memory("Container.Memory.SizeInMB", 4).unwrap_err().to_string();
        assert!(error.contains("Container.Memory.SizeInMB") && error.contains('4'), "{error}");
        assert_eq!(memory("x", 0).unwrap(), None);
    }
}
