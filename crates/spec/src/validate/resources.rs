//! Limits: what excludes what in a silo, what is in range, what Windows does not have.

use super::{Invalid, Warnings};
use crate::api::HostConfig;
use crate::isolation::IsolationMode;

const MAX_SHARES: i64 = 10_000;
const MAX_PERCENT: i64 = 100;
const NANOS_PER_CPU: i64 = 1_000_000_000;

/// In a silo a count of processors beats shares, which beat a percentage; the loser is zeroed.
pub(super) fn normalise(config: &mut HostConfig, isolation: IsolationMode) -> Warnings {
    // Clients send -1 for "not set".
    if config.memory_swappiness == Some(-1) {
        config.memory_swappiness = None;
    }
    let mut warnings = Warnings::new();
    if isolation == IsolationMode::HyperV {
        return warnings;
    }
    if config.cpu_count > 0 && config.cpu_shares > 0 {
        warnings.push(discarded("CPU count", "CPU shares"));
        config.cpu_shares = 0;
    }
    if config.cpu_count > 0 && config.cpu_percent > 0 {
        warnings.push(discarded("CPU count", "CPU percent"));
        config.cpu_percent = 0;
    }
    if config.cpu_count <= 0 && config.cpu_shares > 0 && config.cpu_percent > 0 {
        warnings.push(discarded("CPU shares", "CPU percent"));
        config.cpu_percent = 0;
    }
    warnings
}

fn discarded(winner: &str, loser: &str) -> String {
    format!(
        "Conflicting options: {winner} takes priority over {loser} on Windows Server Containers. \
         {loser} discarded"
    )
}

/// Checks limits that were normalised.
pub(super) fn check(config: &HostConfig, cpus: u32) -> Result<(), Invalid> {
    in_range(config, cpus)?;
    match unsupported(config).into_iter().find(|(_, given)| *given) {
        Some((member, _)) => Err(Invalid::Unsupported(member)),
        None => Ok(()),
    }
}

fn in_range(config: &HostConfig, cpus: u32) -> Result<(), Invalid> {
    if !(0..=MAX_SHARES).contains(&config.cpu_shares) {
        return Err(Invalid::CpuShares);
    }
    if !(0..=MAX_PERCENT).contains(&config.cpu_percent) {
        return Err(Invalid::CpuPercent);
    }
    if config.cpu_count < 0 {
        return Err(Invalid::CpuCount);
    }
    if config.nano_cpus > 0 && config.cpu_percent > 0 {
        return Err(Invalid::NanoCpusWith("Percent"));
    }
    if config.nano_cpus > 0 && config.cpu_shares > 0 {
        return Err(Invalid::NanoCpusWith("Shares"));
    }
    if !(0..=i64::from(cpus) * NANOS_PER_CPU).contains(&config.nano_cpus) {
        return Err(Invalid::NanoCpus(cpus));
    }
    Ok(())
}

/// What Windows does not have, in the order in which it is refused.
fn unsupported(config: &HostConfig) -> [(&'static str, bool); 16] {
    [
        ("BlkioDeviceReadBps", !config.blkio_device_read_bps.is_empty()),
        ("BlkioDeviceReadIOps", !config.blkio_device_read_iops.is_empty()),
        ("BlkioDeviceWriteBps", !config.blkio_device_write_bps.is_empty()),
        ("BlkioDeviceWriteIOps", !config.blkio_device_write_iops.is_empty()),
        ("BlkioWeight", config.blkio_weight > 0),
        ("BlkioWeightDevice", !config.blkio_weight_device.is_empty()),
        ("CgroupParent", !config.cgroup_parent.is_empty()),
        ("CPUPeriod", config.cpu_period != 0),
        ("CpusetCpus", !config.cpuset_cpus.is_empty()),
        ("CpusetMems", !config.cpuset_mems.is_empty()),
        ("MemoryReservation", config.memory_reservation != 0),
        ("MemorySwap", config.memory_swap != 0),
        ("MemorySwappiness", config.memory_swappiness.is_some()),
        ("OomKillDisable", config.oom_kill_disable == Some(true)),
        ("PidsLimit", config.pids_limit.is_some_and(|limit| limit != 0)),
        ("Ulimits", !config.ulimits.is_empty()),
    ]
}
