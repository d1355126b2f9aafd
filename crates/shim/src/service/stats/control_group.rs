//! The same as a Linux container's: control group metrics of the version that the host has.

use containerd_shim_protos::cgroups::metrics as v1;
use containerd_shim_protos::cgroups_v2::metrics as v2;
use protobuf::MessageField;
use protobuf::well_known_types::any::Any;
use schema::properties::{ControlGroupStats, Statistics};

use super::nanoseconds;
use crate::wire::message_any;

/// What stands for no limit: both kernels' readers take the largest number for it.
const UNLIMITED: u64 = u64::MAX;

/// A placeholder, which has used nothing, is told in the words of version 1: every reader of
/// version 2 knows them.
pub(super) fn metrics(told: Option<&Statistics>) -> Any {
    let none = Statistics::default();
    let told = told.unwrap_or(&none);
    let own = told.control_group.clone().unwrap_or_default();
    if own.unified { message_any(&second(told, &own)) } else { message_any(&first(told, &own)) }
}

fn first(told: &Statistics, own: &ControlGroupStats) -> v1::Metrics {
    v1::Metrics {
        pids: MessageField::some(v1::PidsStat {
            current: own.tasks,
            limit: own.tasks_limit.unwrap_or(0),
            ..Default::default()
        }),
        cpu: MessageField::some(v1::CPUStat {
            usage: MessageField::some(v1::CPUUsage {
                total: nanoseconds(told.processor.total_runtime_100ns),
                kernel: nanoseconds(told.processor.runtime_kernel_100ns),
                user: nanoseconds(told.processor.runtime_user_100ns),
                ..Default::default()
            }),
            ..Default::default()
        }),
        memory: MessageField::some(first_memory(told, own)),
        blkio: MessageField::some(blocks(told)),
        ..Default::default()
    }
}

fn first_memory(told: &Statistics, own: &ControlGroupStats) -> v1::MemoryStat {
    let anonymous = told.memory.memory_usage_private_working_set_bytes;
    let usage = v1::MemoryEntry {
        usage: told.memory.memory_usage_commit_bytes,
        max: told.memory.memory_usage_commit_peak_bytes,
        limit: own.memory_limit_bytes.unwrap_or(UNLIMITED),
        ..Default::default()
    };
    v1::MemoryStat {
        rss: anonymous,
        total_rss: anonymous,
        cache: own.inactive_file_bytes + own.active_file_bytes,
        total_cache: own.inactive_file_bytes + own.active_file_bytes,
        inactive_file: own.inactive_file_bytes,
        total_inactive_file: own.inactive_file_bytes,
        active_file: own.active_file_bytes,
        total_active_file: own.active_file_bytes,
        pg_fault: own.page_faults,
        total_pg_fault: own.page_faults,
        pg_maj_fault: own.major_page_faults,
        total_pg_maj_fault: own.major_page_faults,
        hierarchical_memory_limit: own.memory_limit_bytes.unwrap_or(UNLIMITED),
        usage: MessageField::some(usage),
        ..Default::default()
    }
}

fn blocks(told: &Statistics) -> v1::BlkIOStat {
    let entries = |read: u64, write: u64| {
        [("Read", read), ("Write", write)]
            .map(|(op, value)| v1::BlkIOEntry { op: op.to_owned(), value, ..Default::default() })
            .to_vec()
    };
    let storage = &told.storage;
    v1::BlkIOStat {
        io_service_bytes_recursive: entries(storage.read_size_bytes, storage.write_size_bytes),
        io_serviced_recursive: entries(
            storage.read_count_normalized,
            storage.write_count_normalized,
        ),
        ..Default::default()
    }
}

fn second(told: &Statistics, own: &ControlGroupStats) -> v2::Metrics {
    let microseconds = |hundreds: u64| hundreds / 10;
    let storage = &told.storage;
    let io = v2::IOEntry {
        rbytes: storage.read_size_bytes,
        wbytes: storage.write_size_bytes,
        rios: storage.read_count_normalized,
        wios: storage.write_count_normalized,
        ..Default::default()
    };
    v2::Metrics {
        pids: MessageField::some(v2::PidsStat {
            current: own.tasks,
            limit: own.tasks_limit.unwrap_or(0),
            ..Default::default()
        }),
        cpu: MessageField::some(v2::CPUStat {
            usage_usec: microseconds(told.processor.total_runtime_100ns),
            user_usec: microseconds(told.processor.runtime_user_100ns),
            system_usec: microseconds(told.processor.runtime_kernel_100ns),
            ..Default::default()
        }),
        memory: MessageField::some(v2::MemoryStat {
            anon: told.memory.memory_usage_private_working_set_bytes,
            file: own.inactive_file_bytes + own.active_file_bytes,
            inactive_file: own.inactive_file_bytes,
            active_file: own.active_file_bytes,
            pgfault: own.page_faults,
            pgmajfault: own.major_page_faults,
            usage: told.memory.memory_usage_commit_bytes,
            usage_limit: own.memory_limit_bytes.unwrap_or(UNLIMITED),
            max_usage: told.memory.memory_usage_commit_peak_bytes,
            ..Default::default()
        }),
        io: MessageField::some(v2::IOStat { usage: vec![io], ..Default::default() }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use protobuf::Message as _;

    use super::*;

    fn told(unified: bool) -> Statistics {
        let mut told = Statistics::default();
        told.processor.total_runtime_100ns = 50;
        told.memory.memory_usage_commit_bytes = 200;
        let memory_limit_bytes = Some(1000);
        let inactive_file_bytes = 100;
        told.control_group = Some(ControlGroupStats {
            unified,
            memory_limit_bytes,
            inactive_file_bytes,
            ..ControlGroupStats::default()
        });
        told
    }

    #[test]
    fn each_version_of_the_host_has_its_own_words() {
        let any = metrics(Some(&told(false)));
        assert_eq!(any.type_url, "io.containerd.cgroups.v1.Metrics");
        let first = v1::Metrics::parse_from_bytes(&any.value).unwrap();
        assert_eq!(first.cpu.usage.total, 5000);
        assert_eq!((first.memory.usage.usage, first.memory.usage.limit), (200, 1000));
        assert_eq!(first.memory.total_inactive_file, 100);

        let any = metrics(Some(&told(true)));
        assert_eq!(any.type_url, "io.containerd.cgroups.v2.Metrics");
        let second = v2::Metrics::parse_from_bytes(&any.value).unwrap();
        assert_eq!(second.cpu.usage_usec, 5);
        assert_eq!((second.memory.usage, second.memory.usage_limit), (200, 1000));
        assert_eq!(second.memory.inactive_file, 100);
    }

    #[test]
    fn no_limit_is_the_largest_number_as_the_kernels_readers_have_it() {
        let mut told = told(false);
        told.control_group.as_mut().unwrap().memory_limit_bytes = None;
        let first = v1::Metrics::parse_from_bytes(&metrics(Some(&told)).value).unwrap();
        assert_eq!(first.memory.usage.limit, u64::MAX);
    }
}
