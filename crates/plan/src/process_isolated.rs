//! A Windows container that runs as processes of this host.

use schema::SystemId;
use schema::container::{Layer, MappedDirectory};
use schema::document::{ComputeSystem, SchemaVersion};

use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups, PathStyle};
use crate::layers::WindowsLayers;
use crate::oci::{Annotations, Network, Spec};
use crate::plan::{Plan, Sent};
use crate::process::{ProcessHost, parameters};
use crate::request::ContainerRequest;
use crate::sandbox::Role;
use crate::step::Step;
use crate::wcow::{Builder, credential_spec};
use crate::{limits, mounts, schema_version};

/// Plans it.
pub(crate) fn process_isolated(
    request: &ContainerRequest,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Plan> {
    let mut spec = request.spec.clone();
    spec.root.get_or_insert_default();
    let spec = &spec;
    Role::of(spec.annotations.as_ref().unwrap_or(&Annotations::new()))?;
    let schema = match host.paths {
        PathStyle::Unix => SchemaVersion::V2_1,
        PathStyle::Windows => schema_version::choose(host.build, request.schema_version),
    };

    let mut steps = Vec::new();
    let namespace = network(request, schema, host, &mut steps);
    let layers = layers(request, schema, host, lookups, &mut steps)?;
    let (directories, pipes) =
        mounts::process_isolated(&spec.mounts, host, request.sandbox_folder.as_deref(), lookups)?;
    shared_folders(request, host, &directories, &mut steps);
    credentials(spec, schema, &mut steps);

    let mut documents = Builder {
        id: request.id.as_str(),
        owner: &request.owner,
        spec,
        schema,
        host,
        lookups,
        vm: None,
        scale_cpu_limits: request.scale_cpu_limits,
        root: layers.root.as_deref(),
        layers: &layers.described,
        directories,
        pipes,
        namespace: &namespace,
        credentials: None,
    }
    .build()?;
    documents.container.control_group.clone_from(&request.beside.control_group);
    // The originals find out after they have created the container.
    let affinity = if schema == SchemaVersion::V2_1 { limits::affinity(spec) } else { &[] };
    limits::check_affinity(affinity, host)?;
    Ok(Plan {
        id: request.id.clone(),
        paths: host.paths,
        schema,
        steps,
        document: ComputeSystem {
            owner: request.owner.clone(),
            schema_version: SchemaVersion::V2_1,
            hosting_system_id: String::new(),
            container: Some(documents.container),
            virtual_machine: None,
            // On Windows a container ends with the shim that holds it. On Linux it outlives it.
            should_terminate_on_last_handle_closed: !host.is_unix(),
        },
        v1: documents.v1,
        sent: if schema_version::is_v1(schema) { Sent::V1 } else { Sent::System },
        process: spec
            .process
            .as_ref()
            .map(|process| parameters(Some(process), request.stdio, ProcessHost::Windows)),
        affinity: affinity.to_vec(),
        vm_devices: None,
        remarks: documents.remarks,
    })
}

/// The namespace to use, or the step that makes one.
fn network(
    request: &ContainerRequest,
    schema: SchemaVersion,
    host: &HostFacts,
    steps: &mut Vec<Step>,
) -> String {
    let network = request.spec.windows.as_ref().and_then(|windows| windows.network.as_ref());
    match network {
        Some(network) if schema == SchemaVersion::V2_1 => {
            let name = if network.network_namespace.is_empty() {
                steps.push(new_namespace(request, host, network));
                String::new()
            } else {
                adopted(&request.id, host, &network.network_namespace, steps)
            };
            let namespace = if name.is_empty() { request.id.as_str() } else { &name };
            if host.is_unix() && !request.beside.names.is_empty() {
                let (namespace, names) = (namespace.to_owned(), request.beside.names.clone());
                steps.push(Step::SetNames { namespace, names });
            }
            name
        }
        _ => String::new(),
    }
}

/// What the namespace is called that a spec names: on Linux one by its path gets the container's
/// name.
pub(crate) fn adopted(
    id: &SystemId,
    host: &HostFacts,
    namespace: &str,
    steps: &mut Vec<Step>,
) -> String {
    if !host.is_unix() || !namespace.starts_with('/') {
        return namespace.to_owned();
    }
    steps.push(Step::AdoptNamespace { name: id.to_string(), path: namespace.to_owned() });
    id.to_string()
}

/// Windows names a namespace itself; on Linux it carries the container's name.
pub(crate) fn new_namespace(
    request: &ContainerRequest,
    host: &HostFacts,
    network: &Network,
) -> Step {
    let name = if host.is_unix() { request.id.to_string() } else { String::new() };
    Step::CreateNamespace { name, endpoints: network.endpoint_list.clone() }
}

fn credentials(spec: &Spec, schema: SchemaVersion, steps: &mut Vec<Step>) {
    let given = spec.windows.as_ref().and_then(credential_spec);
    if let Some(given) = given.filter(|_| schema == SchemaVersion::V2_1) {
        steps.push(Step::AddCredentials {
            credential_spec: given.to_owned(),
            transport: "LRPC".into(),
        });
    }
}

fn shared_folders(
    request: &ContainerRequest,
    host: &HostFacts,
    directories: &[MappedDirectory],
    steps: &mut Vec<Step>,
) {
    if !host.is_unix() {
        return;
    }
    let mounts = request.spec.mounts.iter().filter(|m| !m.destination.starts_with(mounts::PIPE));
    for (mount, directory) in mounts.zip(directories) {
        if mount.source.starts_with(mounts::IN_SANDBOX) {
            steps.push(Step::CreateFolder { path: directory.host_path.clone() });
        }
    }
}

/// The layers of a container: mounted already, or to be mounted.
pub(crate) struct Layers {
    pub(crate) root: Option<String>,
    pub(crate) described: Vec<Layer>,
}

pub(crate) fn layers(
    request: &ContainerRequest,
    schema: SchemaVersion,
    host: &HostFacts,
    lookups: &dyn Lookups,
    steps: &mut Vec<Step>,
) -> Result<Layers> {
    let layers = WindowsLayers::of(&request.spec, &request.rootfs)?;
    let nothing = Layers { root: None, described: Vec::new() };
    let hyperv = request.spec.windows.as_ref().is_some_and(|windows| windows.hyperv.is_some());
    if (schema_version::is_v1(schema) && hyperv) || schema == schema_version::V2_5 {
        return Ok(nothing);
    }
    let WindowsLayers::Folders { layers, scratch } = layers else {
        let why = "composite images need the Windows engine";
        return Err(PlanError::unsupported("rootfs.0.type", why));
    };
    let mounted = request.spec.root.as_ref().map(|root| root.path.as_str()).unwrap_or_default();
    if !mounted.is_empty() {
        return mounted_layers(mounted, &layers, host, lookups);
    }
    if hyperv {
        let why = "a container that asks for hypervisor isolation runs in a VM";
        return Err(PlanError::missing("the hosting VM", why));
    }
    let is_made = |mark: &&str| lookups.exists(&join(host, &scratch, mark));
    if !scratch_marks(host).iter().any(is_made) {
        steps.push(Step::CreateScratch {
            scratch: scratch.clone(),
            layers: layers.clone(),
            size: limits::scratch_size(&request.spec),
        });
    }
    steps.push(Step::MountLayers { scratch, layers });
    Ok(nothing)
}

fn mounted_layers(
    mounted: &str,
    layers: &[String],
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Layers> {
    if host.is_unix() {
        let rule = "must be empty: the engine mounts a container's layers in its own namespace";
        return Err(PlanError::field("root.path", mounted, rule));
    }
    let describe = |path: &String| {
        let id = lookups.layer_id(path).map_err(PlanError::lookup("windows.layerFolders"))?;
        Ok(Layer { id, path: path.clone() })
    };
    let described = layers.iter().map(describe).collect::<Result<_>>()?;
    Ok(Layers { root: Some(mounted.to_owned()), described })
}

/// What tells a scratch that was made from an empty folder. The Linux engine has its Wine prefix
/// there, or in a disk when its size is limited.
fn scratch_marks(host: &HostFacts) -> &'static [&'static str] {
    if host.is_unix() { &["prefix", "disk.ext4"] } else { &["sandbox.vhdx"] }
}

fn join(host: &HostFacts, folder: &str, name: &str) -> String {
    if host.is_unix() {
        format!("{}/{name}", folder.trim_end_matches('/'))
    } else {
        crate::paths::windows_join(&[folder, name])
    }
}
