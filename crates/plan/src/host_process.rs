//! The plan of a host process container without a VM: layers, and a job object over them.
//!
//! Its limits and paths are [`job`](crate::job)'s. It has the host's network, so nothing of that is
//! acquired, and no accounts of its own but those that the engine makes for it.

use schema::container::{Container, Storage};
use schema::document::{ComputeSystem, SchemaVersion};
use schema::job::{JobAffinity, JobContainer, JobLimits, JobMount};
use schema::v1::ContainerConfig;

use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::job::{below_root, identity, job_limits};
use crate::oci::{Annotations, Mount, Spec};
use crate::plan::{Plan, Sent};
use crate::process::{ProcessHost, parameters};
use crate::process_isolated;
use crate::request::ContainerRequest;
use crate::sandbox::Role;

/// Where a container's files are seen when the spec names no place.
const ROOT: &str = r"C:\hpc";
/// What a volume's path begins with.
const VOLUME: &str = r"\\?\";
const PIPE: &str = r"\\.\pipe\";

/// Decides everything of a job container.
pub(crate) fn plan(
    request: &ContainerRequest,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Plan> {
    let spec = &request.spec;
    Role::of(spec.annotations.as_ref().unwrap_or(&Annotations::new()))?;
    let schema = SchemaVersion::V2_1;
    let mut steps = Vec::new();
    let layers = process_isolated::layers(request, schema, host, lookups, &mut steps)?;
    let at = layers.root.unwrap_or_default();
    // Of a volume the engine mounts it; a folder is seen where it is.
    let is_volume = at.is_empty() || at.starts_with(VOLUME);
    let (path, folder) = if is_volume { (at, None) } else { (String::new(), Some(at)) };
    let root = root(request, spec, folder)?;
    let container = Container {
        storage: Storage { layers: layers.described, path, ..Storage::default() },
        job: Some(job(root, spec, host)?),
        ..Container::default()
    };
    Ok(Plan {
        id: request.id.clone(),
        paths: host.paths,
        schema,
        steps,
        document: ComputeSystem {
            owner: request.owner.clone(),
            schema_version: schema,
            hosting_system_id: String::new(),
            container: Some(container),
            virtual_machine: None,
            should_terminate_on_last_handle_closed: true,
        },
        v1: ContainerConfig::default(),
        sent: Sent::System,
        process: spec
            .process
            .as_ref()
            .map(|process| parameters(Some(process), request.stdio, ProcessHost::Windows)),
        affinity: Vec::new(),
        vm_devices: None,
        remarks: Vec::new(),
    })
}

/// Where its files are seen: a folder that has them, or one that is made for the container.
fn root(request: &ContainerRequest, spec: &Spec, folder: Option<String>) -> Result<String> {
    let nothing = Annotations::new();
    let (_, place) = identity(spec.annotations.as_ref().unwrap_or(&nothing));
    let Some(folder) = folder else {
        let place = if place.is_empty() { ROOT } else { place };
        return Ok(format!(r"{}\{}\", place.trim_end_matches('\\'), request.id.as_str()));
    };
    if !matches!(folder.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic()) {
        let rule = "a volume, or a folder of a drive, of a host process container";
        return Err(PlanError::field("root.path", folder, rule));
    }
    if !place.is_empty() {
        let rule = "not beside a folder in `root.path`, where its files are seen then";
        return Err(PlanError::field(names::HOST_PROCESS_ROOT, place, rule));
    }
    Ok(format!(r"{}\", folder.trim_end_matches('\\')))
}

fn job(root: String, spec: &Spec, host: &HostFacts) -> Result<JobContainer> {
    let nothing = Annotations::new();
    let (inherit_user, _) = identity(spec.annotations.as_ref().unwrap_or(&nothing));
    let mounts = spec.mounts.iter().map(|mount| seen(mount, &root)).collect::<Result<_>>()?;
    let limits = job_limits(spec, host)?;
    let limits = JobLimits {
        cpu_rate: limits.cpu_limit,
        cpu_weight: limits.cpu_weight,
        affinities: limits
            .group_affinities
            .unwrap_or_default()
            .into_iter()
            .map(|one| JobAffinity { mask: one.mask, group: one.group })
            .collect(),
        memory_bytes: limits.memory_limit_in_bytes,
        iops: limits.max_iops,
        bandwidth: limits.max_bandwidth,
    };
    Ok(JobContainer { root, inherit_user, limits, mounts })
}

fn seen(mount: &Mount, root: &str) -> Result<JobMount> {
    if mount.source.is_empty() || mount.destination.is_empty() {
        return Err(PlanError::missing("mounts.source", "a mount has a source and a destination"));
    }
    if mount.source.to_lowercase().starts_with(PIPE) {
        let why = "a host process container reaches the host's pipes by itself";
        return Err(PlanError::unsupported("mounts.source", why));
    }
    if mount.options.iter().any(|option| option.eq_ignore_ascii_case("ro")) {
        let why = "a host process container's mounts are links, which cannot be read-only";
        return Err(PlanError::unsupported("mounts.options", why));
    }
    let link = below_root(root, &mount.destination);
    if !link.to_lowercase().starts_with(&root.to_lowercase()) || link.len() <= root.len() {
        let why = "a host process container's mounts are below its root";
        return Err(PlanError::unsupported("mounts.destination", why));
    }
    Ok(JobMount { source: mount.source.clone(), link })
}
