//! `Stats`, in either of its two forms.

use containerd_shim_protos::api::StatsRequest;
use schema::properties::{ControlGroupStats, Statistics};
use ttrpc::context::Context;

use super::Shim;

fn hundreds() -> Statistics {
    let mut told = Statistics::default();
    told.processor.total_runtime_100ns = 1;
    told.processor.runtime_user_100ns = 1;
    told.processor.runtime_kernel_100ns = 1;
    told.memory.memory_usage_commit_bytes = 100;
    told.memory.memory_usage_commit_peak_bytes = 100;
    told.memory.memory_usage_private_working_set_bytes = 100;
    told.storage.read_count_normalized = 100;
    told.storage.read_size_bytes = 100;
    told.storage.write_count_normalized = 100;
    told.storage.write_size_bytes = 100;
    let inactive_file_bytes = 100;
    told.control_group = Some(ControlGroupStats { inactive_file_bytes, ..Default::default() });
    told
}

/// hcsshim's `service_internal_podshim_test.go`: "stats sandbox task, as WCOW", and "stats 2nd task".
#[tokio::test]
async fn a_windows_spec_is_told_of_in_windows_words() {
    let shim = Shim::running_pod(&["a"]).await;
    for id in ["pod", "a"] {
        shim.system(id).await.set_statistics(hundreds());
        let told = shim.client.stats(id).await.unwrap();
        assert!(!told.has_linux() && told.vm.is_none());
        let told = told.windows();
        let processor = &told.processor;
        assert_eq!(
            (processor.total_runtime_ns, processor.runtime_user_ns, processor.runtime_kernel_ns),
            (100, 100, 100)
        );
        let memory = &told.memory;
        assert_eq!(memory.memory_usage_commit_bytes, 100);
        assert_eq!(memory.memory_usage_commit_peak_bytes, 100);
        assert_eq!(memory.memory_usage_private_working_set_bytes, 100);
        let storage = &told.storage;
        assert_eq!((storage.read_count_normalized, storage.read_size_bytes), (100, 100));
        assert_eq!((storage.write_count_normalized, storage.write_size_bytes), (100, 100));
    }
}

#[tokio::test]
async fn statistics_of_what_is_not_there_or_not_there_any_more_are_not_found() {
    let shim = Shim::standalone("c1").await;
    assert!(shim.client.stats("c1").await.unwrap_err().is_not_found());
    shim.run("c1", "exit 0").await;
    super::within(shim.client.wait("c1", None)).await.unwrap();
    assert!(shim.client.stats("c1").await.unwrap_err().is_not_found());
    assert!(shim.client.pids("c1").await.unwrap_err().is_not_found());
}

/// A pod's placeholder has used nothing, and says so.
#[tokio::test]
async fn a_placeholder_has_empty_statistics() {
    let shim = Shim::pod("pod").await;
    shim.create_holder("pod").await;
    let request = StatsRequest { id: "pod".to_owned(), ..StatsRequest::default() };
    let told = shim.client.raw().stats(Context::default(), &request).await.unwrap().stats;
    assert_eq!(told.type_url, "containerd.runhcs.stats.v1.Statistics");
    assert!(told.value.is_empty());
}
