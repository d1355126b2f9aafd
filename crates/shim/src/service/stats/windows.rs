//! A compute system's statistics as Windows' shim tells them.

use std::time::SystemTime;

use containerd_shim_protos::windows::stats::{
    WindowsContainerMemoryStatistics, WindowsContainerProcessorStatistics,
    WindowsContainerStatistics, WindowsContainerStorageStatistics,
};
use protobuf::MessageField;
use protobuf::well_known_types::timestamp::Timestamp;
use schema::properties;

use super::nanoseconds;
use crate::wire::timestamp;

pub(super) fn statistics(told: &properties::Statistics) -> WindowsContainerStatistics {
    let processor = WindowsContainerProcessorStatistics {
        total_runtime_ns: nanoseconds(told.processor.total_runtime_100ns),
        runtime_user_ns: nanoseconds(told.processor.runtime_user_100ns),
        runtime_kernel_ns: nanoseconds(told.processor.runtime_kernel_100ns),
        ..Default::default()
    };
    let memory = WindowsContainerMemoryStatistics {
        memory_usage_commit_bytes: told.memory.memory_usage_commit_bytes,
        memory_usage_commit_peak_bytes: told.memory.memory_usage_commit_peak_bytes,
        memory_usage_private_working_set_bytes: told.memory.memory_usage_private_working_set_bytes,
        ..Default::default()
    };
    let storage = WindowsContainerStorageStatistics {
        read_count_normalized: told.storage.read_count_normalized,
        read_size_bytes: told.storage.read_size_bytes,
        write_count_normalized: told.storage.write_count_normalized,
        write_size_bytes: told.storage.write_size_bytes,
        ..Default::default()
    };
    WindowsContainerStatistics {
        timestamp: MessageField::from_option(stamp(&told.timestamp)),
        container_start_time: MessageField::from_option(stamp(&told.container_start_time)),
        uptime_ns: nanoseconds(told.uptime_100ns),
        processor: MessageField::some(processor),
        memory: MessageField::some(memory),
        storage: MessageField::some(storage),
        ..Default::default()
    }
}

fn stamp(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(timestamp(Some(SystemTime::from(at))))
}
