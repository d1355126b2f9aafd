//! `update`: of a Windows container only the restart policy can change.

use thiserror::Error;

use crate::api::{HostConfig, RestartPolicy};
use crate::error::Class;
use crate::validate::{self, Invalid};

/// Why a container is not updated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// A limit was to change.
    #[error("resource updating isn't supported on Windows")]
    Resources,
    /// The new policy breaks a rule.
    #[error(transparent)]
    Policy(#[from] Invalid),
    /// A container that goes when it ends cannot be restarted.
    #[error("Restart policy cannot be updated because AutoRemove is enabled for the container")]
    AutoRemove,
}

impl UpdateError {
    /// Whose fault it is.
    pub fn class(&self) -> Class {
        match self {
            Self::Resources | Self::Policy(_) => Class::InvalidParameter,
            Self::AutoRemove => Class::Conflict,
        }
    }
}

/// The restart policy afterwards, once the new one was found to be right.
pub fn update(current: &HostConfig, asked: &HostConfig) -> Result<RestartPolicy, UpdateError> {
    validate::restart_policy(&asked.restart_policy)?;
    apply(current, asked)
}

/// The restart policy afterwards, for a new one that was checked before.
pub fn apply(current: &HostConfig, asked: &HostConfig) -> Result<RestartPolicy, UpdateError> {
    if limits_anything(asked) {
        return Err(UpdateError::Resources);
    }
    let policy = &asked.restart_policy;
    if policy.name.is_empty() {
        return Ok(current.restart_policy.clone());
    }
    if current.auto_remove && !policy.is_none() {
        return Err(UpdateError::AutoRemove);
    }
    Ok(policy.clone())
}

/// Whether any resource member is set, be it to its default. Device requests do not count.
fn limits_anything(asked: &HostConfig) -> bool {
    let numbers = [
        asked.cpu_shares,
        asked.memory,
        asked.nano_cpus,
        asked.cpu_period,
        asked.cpu_quota,
        asked.cpu_realtime_period,
        asked.cpu_realtime_runtime,
        asked.memory_reservation,
        asked.memory_swap,
        asked.cpu_count,
        asked.cpu_percent,
    ];
    let texts = [&asked.cgroup_parent, &asked.cpuset_cpus, &asked.cpuset_mems];
    numbers.iter().any(|number| *number != 0)
        || texts.iter().any(|text| !text.is_empty())
        || asked.io_maximum_iops != 0
        || asked.io_maximum_bandwidth != 0
        || asked.memory_swappiness.is_some()
        || asked.oom_kill_disable.is_some()
        || asked.pids_limit.is_some_and(|limit| limit != 0)
        || !asked.ulimits.is_empty()
        || !asked.devices.is_empty()
        || !asked.device_cgroup_rules.is_empty()
        || limits_block_devices(asked)
}

fn limits_block_devices(asked: &HostConfig) -> bool {
    asked.blkio_weight != 0
        || !asked.blkio_weight_device.is_empty()
        || !asked.blkio_device_read_bps.is_empty()
        || !asked.blkio_device_write_bps.is_empty()
        || !asked.blkio_device_read_iops.is_empty()
        || !asked.blkio_device_write_iops.is_empty()
}
