//! `windows.resources`: processor, memory and storage limits.
//!
//! The arithmetic wraps at 16 and 64 bits as the original's does; [`crate::validate`] is what keeps
//! values in range.

use oci_spec::runtime::{
    WindowsCPUResources, WindowsCPUResourcesBuilder, WindowsMemoryResourcesBuilder,
    WindowsResources, WindowsResourcesBuilder, WindowsStorageResources,
    WindowsStorageResourcesBuilder,
};

use crate::api::HostConfig;
use crate::isolation::IsolationMode;

const NANOS_PER_CPU: i64 = 1_000_000_000;
/// Of one processor: `maximum` counts in hundredths of a percent.
const NANOS_PER_STEP: i64 = 100_000;
const STEPS_PER_PERCENT: u16 = 100;
const BUILT: &str = "every member of a resource has a default";

/// The limits asked for; `None` when nothing is limited.
pub fn of(config: &HostConfig, isolation: IsolationMode, cpus: u32) -> Option<WindowsResources> {
    let cpu = Cpu::of(config, isolation, cpus).into_oci();
    let storage = storage(config);
    if cpu.is_none() && storage.is_none() && config.memory == 0 {
        return None;
    }
    let mut resources = WindowsResourcesBuilder::default();
    if let Some(cpu) = cpu {
        resources = resources.cpu(cpu);
    }
    if config.memory != 0 {
        let limit = config.memory.cast_unsigned();
        resources = resources
            .memory(WindowsMemoryResourcesBuilder::default().limit(limit).build().expect(BUILT));
    }
    if let Some(storage) = storage {
        resources = resources.storage(storage);
    }
    Some(resources.build().expect(BUILT))
}

struct Cpu {
    shares: u16,
    maximum: u16,
    count: u64,
}

impl Cpu {
    fn of(config: &HostConfig, isolation: IsolationMode, cpus: u32) -> Self {
        let asked = Self {
            shares: low_bits(config.cpu_shares),
            maximum: low_bits(config.cpu_percent).wrapping_mul(STEPS_PER_PERCENT),
            count: config.cpu_count.cast_unsigned(),
        };
        match (config.nano_cpus, isolation) {
            (nanos, IsolationMode::Process) if nanos > 0 => asked.share_of_host(nanos, cpus),
            (nanos, IsolationMode::HyperV) if nanos > 0 => asked.share_of_vm(nanos),
            _ => asked,
        }
    }

    /// A silo gets a part of all the host's processors.
    fn share_of_host(self, nanos: i64, cpus: u32) -> Self {
        Self { maximum: steps(nanos / i64::from(cpus.max(1))), ..self }
    }

    /// A VM gets as many processors as cover the number, and a part of those unless it is whole.
    fn share_of_vm(self, nanos: i64) -> Self {
        let whole = nanos / NANOS_PER_CPU;
        if nanos % NANOS_PER_CPU == 0 {
            return Self { count: whole.cast_unsigned(), ..self };
        }
        let count = whole + 1;
        Self { count: count.cast_unsigned(), maximum: steps(nanos / count), ..self }
    }

    /// All three members as soon as one is set.
    fn into_oci(self) -> Option<WindowsCPUResources> {
        if self.shares == 0 && self.maximum == 0 && self.count == 0 {
            return None;
        }
        let cpu = WindowsCPUResourcesBuilder::default()
            .count(self.count)
            .shares(self.shares)
            .maximum(self.maximum)
            .build();
        Some(cpu.expect(BUILT))
    }
}

/// A limit can be small, and never so small that it turns into none.
fn steps(nanos: i64) -> u16 {
    low_bits(nanos / NANOS_PER_STEP).max(1)
}

fn low_bits(value: i64) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn storage(config: &HostConfig) -> Option<WindowsStorageResources> {
    if config.io_maximum_bandwidth == 0 && config.io_maximum_iops == 0 {
        return None;
    }
    let storage = WindowsStorageResourcesBuilder::default()
        .bps(config.io_maximum_bandwidth)
        .iops(config.io_maximum_iops)
        .build();
    Some(storage.expect(BUILT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(count, maximum)`. The type of `oci-spec` has no getters.
    fn cpu(config: &HostConfig, isolation: IsolationMode) -> (u64, u64) {
        let json = serde_json::to_value(of(config, isolation, 8).unwrap()).unwrap();
        let member = |name| json["cpu"][name].as_u64().unwrap();
        (member("count"), member("maximum"))
    }

    #[test]
    fn a_number_of_processors_is_a_part_of_the_host_or_of_the_vm() {
        let config = HostConfig { nano_cpus: 1_500_000_000, ..HostConfig::default() };
        assert_eq!(cpu(&config, IsolationMode::Process), (0, 1875));
        assert_eq!(cpu(&config, IsolationMode::HyperV), (2, 7500));
    }

    #[test]
    fn a_limit_that_wraps_to_nothing_becomes_the_smallest() {
        let config = HostConfig { nano_cpus: 52_428_800_000, ..HostConfig::default() };
        assert_eq!(cpu(&config, IsolationMode::Process), (0, 1));
    }

    #[test]
    fn nothing_asked_for_is_nothing_limited() {
        assert!(of(&HostConfig::default(), IsolationMode::Process, 8).is_none());
    }
}
