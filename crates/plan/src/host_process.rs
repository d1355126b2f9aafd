//! The plan of a host process container without a VM: layers, and a job object over them.
//!
//! Where its files and mounts are seen is decided in [`places`] and [`mounts`]; its limits are
//! [`job`](crate::job)'s. It has the host's network, so nothing of that is acquired, and no accounts of
//! its own but those that the engine makes for it.

mod mounts;
mod places;

use schema::container::{Container, Storage};
use schema::document::{ComputeSystem, SchemaVersion};
use schema::job::{JobAffinity, JobContainer, JobLimits};
use schema::v1::ContainerConfig;

use crate::error::Result;
use crate::host::{HostFacts, Lookups};
use crate::job::{identity, job_limits};
use crate::oci::{Annotations, Spec};
use crate::plan::{Plan, Sent};
use crate::process::{ProcessHost, parameters};
use crate::process_isolated;
use crate::request::ContainerRequest;
use crate::sandbox::Role;
use places::Places;

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
    let places = Places::decide(request, host, layers.root.unwrap_or_default())?;
    let job = job(&places, spec, host)?;
    let container = Container {
        storage: Storage { layers: layers.described, path: places.files, ..Storage::default() },
        job: Some(job),
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

fn job(places: &Places, spec: &Spec, host: &HostFacts) -> Result<JobContainer> {
    let nothing = Annotations::new();
    let (inherit_user, _) = identity(spec.annotations.as_ref().unwrap_or(&nothing));
    let mounts = spec.mounts.iter().map(|mount| mounts::seen(mount, places));
    let mounts = mounts.collect::<Result<_>>()?;
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
    let Places { root, bound, .. } = places;
    Ok(JobContainer { root: root.clone(), bound: *bound, inherit_user, limits, mounts })
}

#[cfg(test)]
mod tests;
