//! The annotations that planning reads.

/// Sets several others at once.
pub const DISABLE_UNSAFE: &str = "io.microsoft.disable-unsafe-operations";
/// Refuse credential specs.
pub const GMSA_DISABLE: &str = "io.microsoft.container.wcow.gmsa.disable";
/// A host process container, when exactly `true`.
pub const HOST_PROCESS: &str = "microsoft.com/hostprocess-container";
/// Refuse host process containers.
pub const HOST_PROCESS_DISABLE: &str = "microsoft.com/disable-hostprocess-container";
/// A host process container runs as the shim's own account, when exactly `true`.
pub const HOST_PROCESS_INHERIT_USER: &str = "microsoft.com/hostprocess-inherit-user";
/// Where a host process container sees its root.
pub const HOST_PROCESS_ROOT: &str = "microsoft.com/hostprocess-rootfs-location";

/// `sandbox` or `container`.
pub const KUBERNETES_TYPE: &str = "io.kubernetes.cri.container-type";
/// The container's name in its pod.
pub const KUBERNETES_CONTAINER: &str = "io.kubernetes.cri.container-name";
/// The id of the pod.
pub const KUBERNETES_SANDBOX: &str = "io.kubernetes.cri.sandbox-id";
/// The id of the pod within a VM that several share.
pub const VIRTUAL_POD: &str = "io.microsoft.cri.virtual-pod-id";

/// Memory in MB.
pub const MEMORY: &str = "io.microsoft.container.memory.sizeinmb";
/// Processors.
pub const PROCESSOR_COUNT: &str = "io.microsoft.container.processor.count";
/// 1/10000 of all processors.
pub const PROCESSOR_LIMIT: &str = "io.microsoft.container.processor.limit";
/// Weight.
pub const PROCESSOR_WEIGHT: &str = "io.microsoft.container.processor.weight";
/// Bytes a second.
pub const STORAGE_BANDWIDTH: &str = "io.microsoft.container.storage.qos.bandwidthmaximum";
/// Operations a second.
pub const STORAGE_IOPS: &str = "io.microsoft.container.storage.qos.iopsmaximum";

/// The folder for process dumps.
pub const DUMP_LOCATION: &str = "io.microsoft.container.processdumplocation";
/// `mini` or `full`.
pub const DUMP_TYPE: &str = "io.microsoft.wcow.processdumptype";
/// How many dumps are kept.
pub const DUMP_COUNT: &str = "io.microsoft.wcow.processdumpcount";
/// Device extension files.
pub const DEVICE_EXTENSIONS: &str = "io.microsoft.container.wcow.deviceextensions";
/// Registry values of a container, for tests.
pub const TEST_REGISTRY: &str = "io.microsoft.container.wcow.test-registry-annotation";
/// Guest drivers.
pub const KERNEL_DRIVERS: &str = "io.microsoft.virtualmachine.kerneldrivers";
/// A privileged Linux container.
pub const LCOW_PRIVILEGED: &str = "io.microsoft.virtualmachine.lcow.privileged";

/// No writable shares into a VM.
pub const NO_WRITABLE_SHARES: &str = "io.microsoft.virtualmachine.fileshares.disablewritable";
/// No direct mapping of shares into a VM.
pub const NO_DIRECT_MAP: &str = "io.microsoft.virtualmachine.wcow.virtualSMB.nodirectmap";
/// Where boot files are.
pub const BOOT_FILES: &str = "io.microsoft.virtualmachine.bootfilesrootpath";
/// Processors of a VM.
pub const VM_PROCESSOR_COUNT: &str = "io.microsoft.virtualmachine.computetopology.processor.count";
/// Memory of a VM in MB.
pub const VM_MEMORY: &str = "io.microsoft.virtualmachine.computetopology.memory.sizeinmb";
/// The address of the network proxy.
pub const NCPROXY: &str = "io.microsoft.network.ncproxy";
/// The processor group of a VM.
pub const CPU_GROUP: &str = "io.microsoft.virtualmachine.cpugroup.id";

/// Who runs a container that a Linux containerd makes: `windowsOptions.runAsUserName` of
/// Kubernetes, which drops it there. Followed by `/container` it is for one container of a pod.
pub const USER_NAME: &str = "io.transom.user-name";
/// Its credential spec: `windowsOptions.gmsaCredentialSpec`, likewise.
pub const CREDENTIAL_SPEC: &str = "io.transom.credential-spec";
