//! CRI's messages, as far as the tests speak them: the fields' numbers are `runtime.v1`'s.

use std::collections::HashMap;

macro_rules! messages {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, PartialEq, prost::Message)]
        pub(in super::super) struct $name { $($(#[$field_about])* pub(in super::super) $field: $kind,)* }
    )*};
}

messages! {
    Empty {}
    PodId { #[prost(string, tag = "1")] id: String, }
    ContainerId { #[prost(string, tag = "1")] id: String, }
    RunPod {
        #[prost(message, optional, tag = "1")] config: Option<PodConfig>,
        #[prost(string, tag = "2")] handler: String,
    }
    PodConfig {
        #[prost(message, optional, tag = "1")] metadata: Option<PodMetadata>,
        #[prost(string, tag = "2")] hostname: String,
        #[prost(string, tag = "3")] log_directory: String,
        #[prost(message, optional, tag = "4")] dns: Option<Dns>,
        #[prost(map = "string, string", tag = "7")] annotations: HashMap<String, String>,
        #[prost(message, optional, tag = "8")] linux: Option<LinuxPod>,
    }
    PodMetadata {
        #[prost(string, tag = "1")] name: String,
        #[prost(string, tag = "2")] uid: String,
        #[prost(string, tag = "3")] namespace: String,
    }
    Dns {
        #[prost(string, repeated, tag = "1")] servers: Vec<String>,
        #[prost(string, repeated, tag = "2")] searches: Vec<String>,
    }
    LinuxPod {
        #[prost(string, tag = "1")] cgroup_parent: String,
        #[prost(message, optional, tag = "2")] security: Option<PodSecurity>,
    }
    PodSecurity {
        #[prost(message, optional, tag = "1")] namespaces: Option<Namespaces>,
    }
    /// 0 is the pod's own, 2 the host's.
    Namespaces { #[prost(int32, tag = "1")] network: i32, }
    ListedPods { #[prost(message, repeated, tag = "1")] pods: Vec<ListedPod>, }
    ListedPod {
        #[prost(string, tag = "1")] id: String,
        #[prost(message, optional, tag = "2")] metadata: Option<PodMetadata>,
        /// 0 is ready.
        #[prost(int32, tag = "3")] state: i32,
        #[prost(string, tag = "7")] handler: String,
    }
    PortForward {
        #[prost(string, tag = "1")] pod: String,
        #[prost(int32, repeated, tag = "2")] ports: Vec<i32>,
    }
    Url { #[prost(string, tag = "1")] url: String, }
    PodStatusAnswer { #[prost(message, optional, tag = "1")] status: Option<PodStatus>, }
    PodStatus {
        /// 0 is ready.
        #[prost(int32, tag = "3")] state: i32,
        #[prost(message, optional, tag = "5")] network: Option<PodNetwork>,
    }
    PodNetwork { #[prost(string, tag = "1")] ip: String, }
    CreateContainer {
        #[prost(string, tag = "1")] pod: String,
        #[prost(message, optional, tag = "2")] config: Option<ContainerConfig>,
        #[prost(message, optional, tag = "3")] of_pod: Option<PodConfig>,
    }
    Created { #[prost(string, tag = "1")] id: String, }
    ContainerConfig {
        #[prost(message, optional, tag = "1")] metadata: Option<ContainerMetadata>,
        #[prost(message, optional, tag = "2")] image: Option<ImageSpec>,
        #[prost(string, repeated, tag = "3")] command: Vec<String>,
        #[prost(message, repeated, tag = "6")] env: Vec<KeyValue>,
        #[prost(message, repeated, tag = "7")] mounts: Vec<Mount>,
        #[prost(string, tag = "11")] log_path: String,
        #[prost(bool, tag = "12")] stdin: bool,
        #[prost(bool, tag = "14")] tty: bool,
        #[prost(message, optional, tag = "15")] linux: Option<LinuxContainer>,
    }
    ContainerMetadata {
        #[prost(string, tag = "1")] name: String,
        #[prost(uint32, tag = "2")] attempt: u32,
    }
    ImageSpec { #[prost(string, tag = "1")] image: String, }
    KeyValue {
        #[prost(string, tag = "1")] key: String,
        #[prost(string, tag = "2")] value: String,
    }
    Mount {
        #[prost(string, tag = "1")] container_path: String,
        #[prost(string, tag = "2")] host_path: String,
        #[prost(bool, tag = "3")] readonly: bool,
    }
    LinuxContainer {
        #[prost(message, optional, tag = "1")] resources: Option<LinuxResources>,
        #[prost(message, optional, tag = "2")] security: Option<ContainerSecurity>,
    }
    LinuxResources {
        #[prost(int64, tag = "1")] cpu_period: i64,
        #[prost(int64, tag = "2")] cpu_quota: i64,
        #[prost(int64, tag = "3")] cpu_shares: i64,
        #[prost(int64, tag = "4")] memory: i64,
    }
    ContainerSecurity { #[prost(string, tag = "6")] run_as_username: String, }
    Stop {
        #[prost(string, tag = "1")] id: String,
        #[prost(int64, tag = "2")] seconds: i64,
    }
    StatusAnswer { #[prost(message, optional, tag = "1")] status: Option<ContainerStatus>, }
    ContainerStatus {
        /// Created, running, exited, unknown.
        #[prost(int32, tag = "3")] state: i32,
        #[prost(int64, tag = "5")] started_at: i64,
        #[prost(int64, tag = "6")] finished_at: i64,
        #[prost(int32, tag = "7")] exit_code: i32,
        #[prost(string, tag = "10")] reason: String,
    }
    Listed { #[prost(message, repeated, tag = "1")] containers: Vec<Container>, }
    Container {
        #[prost(string, tag = "1")] id: String,
        #[prost(string, tag = "2")] pod: String,
    }
    ExecSync {
        #[prost(string, tag = "1")] id: String,
        #[prost(string, repeated, tag = "2")] line: Vec<String>,
        #[prost(int64, tag = "3")] seconds: i64,
    }
    Executed {
        #[prost(bytes = "vec", tag = "1")] stdout: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")] stderr: Vec<u8>,
        #[prost(int32, tag = "3")] exit_code: i32,
    }
    ListedStats { #[prost(message, repeated, tag = "1")] stats: Vec<ContainerStats>, }
    StatsAnswer { #[prost(message, optional, tag = "1")] stats: Option<ContainerStats>, }
    ContainerStats {
        #[prost(message, optional, tag = "1")] of: Option<ContainerId>,
        #[prost(message, optional, tag = "2")] cpu: Option<CpuUsage>,
        #[prost(message, optional, tag = "3")] memory: Option<MemoryUsage>,
    }
    CpuUsage { #[prost(message, optional, tag = "2")] total: Option<Number>, }
    MemoryUsage { #[prost(message, optional, tag = "2")] working_set: Option<Number>, }
    Number { #[prost(uint64, tag = "1")] value: u64, }
    PullImage { #[prost(message, optional, tag = "1")] image: Option<ImageSpec>, }
    Pulled { #[prost(string, tag = "1")] image: String, }
    ImageStatus { #[prost(message, optional, tag = "1")] image: Option<ImageSpec>, }
    ImageStatusAnswer { #[prost(message, optional, tag = "1")] image: Option<Image>, }
    Image {
        #[prost(string, tag = "1")] id: String,
        #[prost(uint64, tag = "4")] size: u64,
        #[prost(string, tag = "6")] username: String,
    }
    Update {
        #[prost(string, tag = "1")] id: String,
        #[prost(message, optional, tag = "2")] linux: Option<LinuxResources>,
    }
}
