//! What a compute system tells of itself (`HcsGetComputeSystemProperties`).

use serde::{Deserialize, Serialize};

/// What to ask for beside the basic set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PropertyType {
    /// [`Statistics`].
    Statistics,
    /// [`ProcessDetails`] of each process.
    ProcessList,
    /// Memory of a VM; containers refuse it.
    Memory,
}

/// Where a compute system is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Created and not started.
    Created,
    /// Processes may run.
    Running,
    /// Frozen.
    Paused,
    /// Ended; only `open`ers that were there before still see it.
    Stopped,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Properties {
    /// The system's id.
    pub id: String,
    /// `Container` or `VirtualMachine`.
    pub system_type: String,
    /// Who created it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Where it is in its life.
    pub state: State,
    /// Seconds since 1970 when it was created, as a decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_unix: Option<f64>,
    /// If asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// If asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_list: Option<Vec<ProcessDetails>>,
}

/// Resource use of a compute system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statistics {
    /// When this was read, RFC 3339.
    #[serde(default)]
    pub timestamp: String,
    /// When the system started, RFC 3339.
    #[serde(default)]
    pub container_start_time: String,
    /// Since then.
    #[serde(default, rename = "Uptime100ns")]
    pub uptime_100ns: u64,
    /// Processor time.
    #[serde(default)]
    pub processor: ProcessorStats,
    /// Memory.
    #[serde(default)]
    pub memory: MemoryStats,
    /// Reads and writes of the scratch.
    #[serde(default)]
    pub storage: StorageStats,
    /// What only a Linux host counts; never there on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_group: Option<ControlGroupStats>,
}

/// What a Linux host's control group counts beside what Windows does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ControlGroupStats {
    /// One tree for all controllers: version 2.
    pub unified: bool,
    /// The memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// Cached parts of files that can be dropped at any time.
    pub inactive_file_bytes: u64,
    /// Cached parts of files that are in use.
    pub active_file_bytes: u64,
    /// Pages that were brought in, from wherever.
    pub page_faults: u64,
    /// Those that had to be read.
    pub major_page_faults: u64,
    /// Tasks of the kernel: threads.
    pub tasks: u64,
    /// Their limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_limit: Option<u64>,
}

/// Processor time of a compute system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorStats {
    /// All of it.
    #[serde(default, rename = "TotalRuntime100ns")]
    pub total_runtime_100ns: u64,
    /// In user mode.
    #[serde(default, rename = "RuntimeUser100ns")]
    pub runtime_user_100ns: u64,
    /// In kernel mode.
    #[serde(default, rename = "RuntimeKernel100ns")]
    pub runtime_kernel_100ns: u64,
}

/// Memory of a compute system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MemoryStats {
    /// Committed now.
    #[serde(default)]
    pub memory_usage_commit_bytes: u64,
    /// The most ever committed.
    #[serde(default)]
    pub memory_usage_commit_peak_bytes: u64,
    /// In memory and shared with nobody.
    #[serde(default)]
    pub memory_usage_private_working_set_bytes: u64,
}

/// Reads and writes of the scratch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StorageStats {
    /// Reads.
    #[serde(default)]
    pub read_count_normalized: u64,
    /// Bytes read.
    #[serde(default)]
    pub read_size_bytes: u64,
    /// Writes.
    #[serde(default)]
    pub write_count_normalized: u64,
    /// Bytes written.
    #[serde(default)]
    pub write_size_bytes: u64,
}

/// One process of a compute system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessDetails {
    /// Its Windows pid.
    #[serde(default)]
    pub process_id: u32,
    /// The program's file name.
    #[serde(default)]
    pub image_name: String,
    /// When it was created, RFC 3339.
    #[serde(default)]
    pub create_timestamp: String,
    /// User time.
    #[serde(default, rename = "UserTime100ns")]
    pub user_time_100ns: u64,
    /// Kernel time.
    #[serde(default, rename = "KernelTime100ns")]
    pub kernel_time_100ns: u64,
    /// Committed.
    #[serde(default)]
    pub memory_commit_bytes: u64,
    /// In memory, its own.
    #[serde(default)]
    pub memory_working_set_private_bytes: u64,
    /// In memory, shared.
    #[serde(default)]
    pub memory_working_set_shared_bytes: u64,
}
