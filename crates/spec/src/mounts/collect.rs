//! All mounts of one container, from everything that can ask for one.

use super::sort::depth;
use super::{MountError, MountPoint, from_spec, parse};
use crate::api::{Config, HostConfig};
use crate::fold;
use crate::host::{HostFacts, Lookups};

/// The mounts of a container that `--volumes-from` names, and whether they may be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Inherited {
    /// Its mounts.
    pub mounts: Vec<MountPoint>,
    /// False makes all of them read-only.
    pub writable: bool,
}

/// Mounts of other containers, then `Binds`, then `Mounts`, then a volume for each declared place
/// that nothing is mounted at, in the order in which they must be made.
///
/// A later one takes the place of an inherited one; two that were asked for cannot share a place.
pub fn collect(
    config: &Config,
    host_config: &HostConfig,
    inherited: &[Inherited],
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Vec<MountPoint>, MountError> {
    let mut asked = Vec::new();
    for bind in &host_config.binds {
        let point = parse(bind, &host_config.volume_driver, facts.path_style, host)?;
        add(&mut asked, point)?;
    }
    for mount in &host_config.mounts {
        add(&mut asked, from_spec(mount, facts.path_style, host)?)?;
    }
    for point in inherited.iter().rev().flat_map(taken_over) {
        if !is_taken(&asked, &point.destination) {
            asked.push(point);
        }
    }
    for place in config.volumes.iter() {
        let point = parse(place, &host_config.volume_driver, facts.path_style, host)
            .map_err(|error| MountError::Declared(Box::new(error)))?;
        if !is_taken(&asked, &point.destination) {
            asked.push(point);
        }
    }
    asked.sort_by_key(|point| depth(&point.destination));
    Ok(asked)
}

fn taken_over(from: &Inherited) -> impl Iterator<Item = MountPoint> {
    from.mounts
        .iter()
        .map(|point| MountPoint { writable: point.writable && from.writable, ..point.clone() })
}

fn add(asked: &mut Vec<MountPoint>, point: MountPoint) -> Result<(), MountError> {
    if is_taken(asked, &point.destination) {
        return Err(MountError::Duplicate(point.destination));
    }
    asked.push(point);
    Ok(())
}

/// Places differ in more than letter case: the container's file system does not tell case apart.
fn is_taken(asked: &[MountPoint], destination: &str) -> bool {
    asked.iter().any(|point| fold::eq(&point.destination, destination))
}
