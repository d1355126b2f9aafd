//! The shapes of the documents that a container host sends.

mod network;
mod storage;

use super::Shape::{self, Any, Flag, List, Map, Number, Object, Text, Word};

pub use network::{
    ENDPOINT, LOAD_BALANCER, NAMESPACE, NAMESPACE_RESOURCE, NETWORK, NETWORK_MODIFY, NETWORK_QUERY,
    ROUTE_SETTINGS,
};
pub use storage::{EXPORT_OPTIONS, LAYER_DATA, NO_OPTIONS, OS_LAYER_OPTIONS};

/// `HcsCreateComputeSystem`'s configuration, schema 2.
pub static COMPUTE_SYSTEM: Shape = Object(&[
    ("Owner", Text),
    ("SchemaVersion", Object(&[("Major", Number), ("Minor", Number)])),
    ("HostingSystemId", Text),
    ("HostedSystem", Any),
    ("Container", CONTAINER),
    ("VirtualMachine", Any),
    ("ShouldTerminateOnLastHandleClosed", Flag),
]);

/// The same, schema 1: what `vmcompute.dll` also takes.
pub static CONTAINER_V1: Shape = Object(&[
    ("SystemType", Word(&["Container", "VirtualMachine"])),
    ("Name", Text),
    ("Owner", Text),
    ("HvPartition", Flag),
    ("IgnoreFlushesDuringBoot", Flag),
    ("HostName", Text),
    ("ProcessorCount", Number),
    ("ProcessorMaximum", Number),
    ("ProcessorWeight", Number),
    ("MemoryMaximumInMB", Number),
    ("StorageBandwidthMaximum", Number),
    ("StorageIOPSMaximum", Number),
    ("StorageSandboxSize", Number),
    ("EndpointList", List(&Text)),
    ("AllowUnqualifiedDNSQuery", Flag),
    ("DNSSearchList", Text),
    ("NetworkSharedContainerName", Text),
    ("Credentials", Text),
    ("VolumePath", Text),
    ("LayerFolderPath", Text),
    ("Servicing", Flag),
    ("ContainerType", Text),
    ("TerminateOnLastHandleClosed", Flag),
    ("Layers", List(&Object(&[("ID", Text), ("Path", Text)]))),
    ("MappedDirectories", List(&MAPPED_DIRECTORY_V1)),
    ("MappedPipes", List(&MAPPED_PIPE)),
    ("MappedVirtualDisks", List(&Any)),
    ("AssignedDevices", List(&Any)),
    ("HvRuntime", Any),
]);

const MAPPED_DIRECTORY_V1: Shape = Object(&[
    ("HostPath", Text),
    ("ContainerPath", Text),
    ("ReadOnly", Flag),
    ("BandwidthMaximum", Number),
    ("IOPSMaximum", Number),
    ("CreateInUtilityVM", Flag),
]);

const CONTAINER: Shape = Object(&[
    ("GuestOs", Object(&[("HostName", Text)])),
    ("Storage", STORAGE),
    ("MappedDirectories", List(&MAPPED_DIRECTORY)),
    ("MappedPipes", List(&MAPPED_PIPE)),
    ("Memory", Object(&[("SizeInMB", Number)])),
    ("Processor", Object(&[("Count", Number), ("Maximum", Number), ("Weight", Number)])),
    ("Networking", NETWORKING),
    ("HvSocket", Any),
    ("ContainerCredentialGuard", CREDENTIAL_GUARD),
    ("RegistryChanges", REGISTRY_CHANGES),
    ("AssignedDevices", List(&ASSIGNED_DEVICE)),
    ("AdditionalDeviceNamespace", Any),
    ("IsolationType", Word(&["", "HostProcess"])),
]);

const LAYER: Shape = Object(&[("Id", Text), ("Path", Text), ("PathType", Text), ("Cache", Text)]);

const STORAGE: Shape = Object(&[
    ("Layers", List(&LAYER)),
    ("Path", Text),
    ("QoS", Object(&[("IopsMaximum", Number), ("BandwidthMaximum", Number)])),
    ("PrivilegedContainerRootPath", Text),
]);

const MAPPED_DIRECTORY: Shape = Object(&[
    ("HostPath", Text),
    ("HostPathType", Text),
    ("ContainerPath", Text),
    ("ReadOnly", Flag),
]);

const MAPPED_PIPE: Shape =
    Object(&[("ContainerPipeName", Text), ("HostPath", Text), ("HostPathType", Text)]);

const NETWORKING: Shape = Object(&[
    ("AllowUnqualifiedDnsQuery", Flag),
    ("DnsSearchList", Text),
    ("NetworkSharedContainerName", Text),
    ("Namespace", Text),
    ("NetworkAdapters", List(&Text)),
]);

const CREDENTIAL_GUARD: Shape = Object(&[
    ("Cookie", Text),
    ("RpcEndpoint", Text),
    ("Transport", Word(&["", "LRPC", "HvSocket"])),
    ("CredentialSpec", Text),
]);

const REGISTRY_KEY: Shape = Object(&[
    ("Hive", Word(&["System", "Software", "Security", "Sam"])),
    ("Name", Text),
    ("Volatile", Flag),
]);

const REGISTRY_CHANGES: Shape =
    Object(&[("AddValues", List(&REGISTRY_VALUE)), ("DeleteKeys", List(&REGISTRY_KEY))]);

const REGISTRY_VALUE: Shape = Object(&[
    ("Key", REGISTRY_KEY),
    ("Name", Text),
    ("Type", Word(REGISTRY_TYPES)),
    ("StringValue", Text),
    ("BinaryValue", Text),
    ("DWordValue", Number),
    ("QWordValue", Number),
    ("CustomType", Number),
]);

const REGISTRY_TYPES: &[&str] =
    &["None", "String", "ExpandedString", "MultiString", "Binary", "DWord", "QWord", "CustomType"];

const ASSIGNED_DEVICE: Shape = Object(&[
    ("Type", Word(&["ClassGuid", "DeviceInstance", "GpuMirror"])),
    ("InterfaceClassGuid", Text),
    ("LocationPath", Text),
]);

/// `HcsCreateProcess`' parameters.
pub static PROCESS: Shape = Object(&[
    ("ApplicationName", Text),
    ("CommandLine", Text),
    ("CommandArgs", List(&Text)),
    ("User", Text),
    ("WorkingDirectory", Text),
    ("Environment", Map(&Text)),
    ("RestrictedToken", Flag),
    ("EmulateConsole", Flag),
    ("CreateStdInPipe", Flag),
    ("CreateStdOutPipe", Flag),
    ("CreateStdErrPipe", Flag),
    ("ConsoleSize", List(&Number)),
    ("UseExistingLogin", Flag),
    ("UseLegacyConsole", Flag),
    ("CreateInUtilityVm", Flag),
    ("OCISpecification", Any),
    ("OCIProcess", Any),
]);

/// `HcsModifyProcess`' settings.
pub static PROCESS_MODIFY: Shape = Object(&[
    ("Operation", Word(&["ConsoleSize", "CloseHandle"])),
    ("ConsoleSize", Object(&[("Height", Number), ("Width", Number)])),
    ("CloseHandle", Object(&[("Handle", Word(&["StdIn", "StdOut", "StdErr", "All"]))])),
]);

/// `HcsSignalProcess`' options.
pub static SIGNAL: Shape =
    Object(&[("Signal", Word(&["CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown"]))]);

/// `HcsModifyComputeSystem`'s configuration.
pub static MODIFY: Shape = Object(&[
    ("ResourcePath", Text),
    ("RequestType", Word(&["Add", "Remove", "Update"])),
    ("Settings", Any),
    ("GuestRequest", Any),
]);

/// `HcsGetComputeSystemProperties`' query.
pub static PROPERTY_QUERY: Shape = Object(&[("PropertyTypes", List(&Text)), ("Queries", Any)]);

/// `HcsEnumerateComputeSystems`' query.
pub static SYSTEM_QUERY: Shape = Object(&[
    ("Ids", List(&Text)),
    ("Types", List(&Text)),
    ("Names", List(&Text)),
    ("Owners", List(&Text)),
]);

/// The settings of a live update, by its resource path.
pub fn settings(resource_path: &str) -> Option<&'static Shape> {
    static PROCESSOR: Shape = Object(&[("Count", Number), ("Maximum", Number), ("Weight", Number)]);
    static MEMORY: Shape = Number;
    static DIRECTORY: Shape = MAPPED_DIRECTORY;
    static PIPE: Shape = MAPPED_PIPE;
    match resource_path {
        "Container/Memory/SizeInMB" => Some(&MEMORY),
        "Container/Processor" => Some(&PROCESSOR),
        "Container/MappedDirectories" => Some(&DIRECTORY),
        "Container/MappedPipes" => Some(&PIPE),
        _ => None,
    }
}

/// `HcsModifyServiceSettings`' settings, as far as credential guards go.
pub static SERVICE_SETTINGS: Shape = Object(&[
    ("PropertyType", Word(&["ContainerCredentialGuard"])),
    (
        "Settings",
        Object(&[
            ("Operation", Word(&["AddInstance", "RemoveInstance"])),
            (
                "OperationDetails",
                Object(&[
                    ("Id", Text),
                    ("CredentialSpec", Text),
                    ("Transport", Word(&["LRPC", "HvSocket"])),
                ]),
            ),
        ]),
    ),
]);
