//! The structures of the OCI runtime spec as tables, for [`shape`](super::shape).

use super::shape::Shape::{Any, Bool, List, Map, Object, Text};
use super::shape::When::{Always, Given, NonZero};
use super::shape::ints::{I32, I64, U16, U32, U64};
use super::shape::{Field, Shape};

/// A list of texts.
const TEXTS: Shape = List(&Text);

/// A whole `config.json`.
pub(super) const SPEC: Shape = Object(&[
    ("ociVersion", Always, Text),
    ("process", Given, PROCESS),
    ("root", Given, Object(&[("path", Always, Text), ("readonly", NonZero, Bool)])),
    ("hostname", NonZero, Text),
    ("domainname", NonZero, Text),
    ("mounts", NonZero, List(&MOUNT)),
    ("hooks", Given, HOOKS),
    ("annotations", Given, Map(&Text)),
    ("linux", Given, LINUX),
    ("solaris", Given, Any),
    ("windows", Given, WINDOWS),
    ("vm", Given, Any),
    ("zos", Given, Any),
    ("freebsd", Given, Any),
]);

/// A process.
pub const PROCESS: Shape = Object(&[
    ("terminal", NonZero, Bool),
    ("consoleSize", Given, Object(&[("height", Always, U64), ("width", Always, U64)])),
    ("user", Always, USER),
    ("args", NonZero, TEXTS),
    ("commandLine", NonZero, Text),
    ("env", NonZero, TEXTS),
    ("cwd", Always, Text),
    ("capabilities", Given, CAPABILITIES),
    ("rlimits", NonZero, List(&RLIMIT)),
    ("noNewPrivileges", NonZero, Bool),
    ("apparmorProfile", NonZero, Text),
    ("oomScoreAdj", Given, I64),
    ("scheduler", Given, SCHEDULER),
    ("selinuxLabel", NonZero, Text),
    ("ioPriority", Given, Object(&[("class", Always, Text), ("priority", Always, I64)])),
    ("execCPUAffinity", Given, Object(&[("initial", NonZero, Text), ("final", NonZero, Text)])),
]);

const USER: Shape = Object(&[
    ("uid", Always, U32),
    ("gid", Always, U32),
    ("umask", Given, U32),
    ("additionalGids", NonZero, List(&U32)),
    ("username", NonZero, Text),
]);

const CAPABILITIES: Shape = Object(&[
    ("bounding", NonZero, TEXTS),
    ("effective", NonZero, TEXTS),
    ("inheritable", NonZero, TEXTS),
    ("permitted", NonZero, TEXTS),
    ("ambient", NonZero, TEXTS),
]);

const RLIMIT: Shape =
    Object(&[("type", Always, Text), ("hard", Always, U64), ("soft", Always, U64)]);

const SCHEDULER: Shape = Object(&[
    ("policy", Always, Text),
    ("nice", NonZero, I32),
    ("priority", NonZero, I32),
    ("flags", NonZero, TEXTS),
    ("runtime", NonZero, U64),
    ("deadline", NonZero, U64),
    ("period", NonZero, U64),
]);

const ID_MAPPING: Shape =
    Object(&[("containerID", Always, U32), ("hostID", Always, U32), ("size", Always, U32)]);

const MOUNT: Shape = Object(&[
    ("destination", Always, Text),
    ("type", NonZero, Text),
    ("source", NonZero, Text),
    ("options", NonZero, TEXTS),
    ("uidMappings", NonZero, List(&ID_MAPPING)),
    ("gidMappings", NonZero, List(&ID_MAPPING)),
]);

const HOOK: Shape = Object(&[
    ("path", Always, Text),
    ("args", NonZero, TEXTS),
    ("env", NonZero, TEXTS),
    ("timeout", Given, I64),
]);

const HOOKS: Shape = Object(&[
    ("prestart", NonZero, List(&HOOK)),
    ("createRuntime", NonZero, List(&HOOK)),
    ("createContainer", NonZero, List(&HOOK)),
    ("startContainer", NonZero, List(&HOOK)),
    ("poststart", NonZero, List(&HOOK)),
    ("poststop", NonZero, List(&HOOK)),
]);

const WINDOWS: Shape = Object(&[
    ("layerFolders", Always, TEXTS),
    ("devices", Given, List(&Object(&[("id", Always, Text), ("idType", Always, Text)]))),
    ("resources", Given, WINDOWS_RESOURCES),
    ("credentialSpec", Given, Any),
    ("servicing", NonZero, Bool),
    ("ignoreFlushesDuringBoot", NonZero, Bool),
    ("hyperv", Given, Object(&[("utilityVMPath", NonZero, Text)])),
    ("network", Given, WINDOWS_NETWORK),
]);

/// The limits of a Windows section.
pub(crate) const WINDOWS_RESOURCES: Shape = Object(&[
    ("memory", Given, Object(&[("limit", Given, U64)])),
    ("cpu", Given, Object(WINDOWS_CPU)),
    (
        "storage",
        Given,
        Object(&[("iops", Given, U64), ("bps", Given, U64), ("sandboxSize", Given, U64)]),
    ),
]);

const WINDOWS_CPU: &[Field] = &[
    ("count", Given, U64),
    ("shares", Given, U16),
    ("maximum", Given, U16),
    ("affinity", NonZero, List(&Object(&[("mask", NonZero, U64), ("group", NonZero, U32)]))),
];

const WINDOWS_NETWORK: Shape = Object(&[
    ("endpointList", NonZero, TEXTS),
    ("allowUnqualifiedDNSQuery", NonZero, Bool),
    ("DNSSearchList", NonZero, TEXTS),
    ("networkSharedContainerName", NonZero, Text),
    ("networkNamespace", NonZero, Text),
]);

const LINUX: Shape = Object(&[
    ("uidMappings", NonZero, List(&ID_MAPPING)),
    ("gidMappings", NonZero, List(&ID_MAPPING)),
    ("sysctl", NonZero, Map(&Text)),
    ("resources", Given, LINUX_RESOURCES),
    ("cgroupsPath", NonZero, Text),
    ("namespaces", NonZero, List(&Object(&[("type", Always, Text), ("path", NonZero, Text)]))),
    ("devices", NonZero, List(&LINUX_DEVICE)),
    ("netDevices", NonZero, Map(&Object(&[("name", NonZero, Text)]))),
    ("seccomp", Given, SECCOMP),
    ("rootfsPropagation", NonZero, Text),
    ("maskedPaths", NonZero, TEXTS),
    ("readonlyPaths", NonZero, TEXTS),
    ("mountLabel", NonZero, Text),
    ("intelRdt", Given, INTEL_RDT),
    ("memoryPolicy", Given, Any),
    ("personality", Given, Object(&[("domain", Always, Text), ("flags", Always, TEXTS)])),
    ("timeOffsets", NonZero, Map(&Object(&[("secs", NonZero, I64), ("nanosecs", NonZero, U32)]))),
]);

/// The limits of a Linux section.
pub(crate) const LINUX_RESOURCES: Shape = Object(&[
    ("devices", NonZero, List(&DEVICE_RULE)),
    ("memory", Given, LINUX_MEMORY),
    ("cpu", Given, LINUX_CPU),
    ("pids", Given, Object(&[("limit", Given, I64)])),
    ("blockIO", Given, BLOCK_IO),
    (
        "hugepageLimits",
        NonZero,
        List(&Object(&[("pageSize", Always, Text), ("limit", Always, U64)])),
    ),
    ("network", Given, LINUX_NETWORK),
    ("rdma", NonZero, Map(&Object(&[("hcaHandles", Given, U32), ("hcaObjects", Given, U32)]))),
    ("unified", NonZero, Map(&Text)),
]);

const LINUX_MEMORY: Shape = Object(&[
    ("limit", Given, I64),
    ("reservation", Given, I64),
    ("swap", Given, I64),
    ("kernel", Given, I64),
    ("kernelTCP", Given, I64),
    ("swappiness", Given, U64),
    ("disableOOMKiller", Given, Bool),
    ("useHierarchy", Given, Bool),
    ("checkBeforeUpdate", Given, Bool),
]);

const LINUX_CPU: Shape = Object(&[
    ("shares", Given, U64),
    ("quota", Given, I64),
    ("burst", Given, U64),
    ("period", Given, U64),
    ("realtimeRuntime", Given, I64),
    ("realtimePeriod", Given, U64),
    ("cpus", NonZero, Text),
    ("mems", NonZero, Text),
    ("idle", Given, I64),
]);

const THROTTLES: Shape =
    List(&Object(&[("major", Always, I64), ("minor", Always, I64), ("rate", Always, U64)]));

const BLOCK_IO: Shape = Object(&[
    ("weight", Given, U16),
    ("leafWeight", Given, U16),
    (
        "weightDevice",
        NonZero,
        List(&Object(&[
            ("major", Always, I64),
            ("minor", Always, I64),
            ("weight", Given, U16),
            ("leafWeight", Given, U16),
        ])),
    ),
    ("throttleReadBpsDevice", NonZero, THROTTLES),
    ("throttleWriteBpsDevice", NonZero, THROTTLES),
    ("throttleReadIOPSDevice", NonZero, THROTTLES),
    ("throttleWriteIOPSDevice", NonZero, THROTTLES),
]);

const LINUX_NETWORK: Shape = Object(&[
    ("classID", Given, U32),
    ("priorities", NonZero, List(&Object(&[("name", Always, Text), ("priority", Always, U32)]))),
]);

const DEVICE_RULE: Shape = Object(&[
    ("allow", Always, Bool),
    ("type", NonZero, Text),
    ("major", Given, I64),
    ("minor", Given, I64),
    ("access", NonZero, Text),
]);

const LINUX_DEVICE: Shape = Object(&[
    ("path", Always, Text),
    ("type", Always, Text),
    ("major", Always, I64),
    ("minor", Always, I64),
    ("fileMode", Given, U32),
    ("uid", Given, U32),
    ("gid", Given, U32),
]);

const SECCOMP: Shape = Object(&[
    ("defaultAction", Always, Text),
    ("defaultErrnoRet", Given, U64),
    ("architectures", NonZero, TEXTS),
    ("flags", NonZero, TEXTS),
    ("listenerPath", NonZero, Text),
    ("listenerMetadata", NonZero, Text),
    ("syscalls", NonZero, List(&SYSCALL)),
]);

const SYSCALL: Shape = Object(&[
    ("names", Always, TEXTS),
    ("action", Always, Text),
    ("errnoRet", Given, U64),
    ("args", NonZero, List(&SYSCALL_ARG)),
]);

const SYSCALL_ARG: Shape = Object(&[
    ("index", Always, U64),
    ("value", Always, U64),
    ("valueTwo", NonZero, U64),
    ("op", Always, Text),
]);

const INTEL_RDT: Shape = Object(&[
    ("closID", NonZero, Text),
    ("schemata", NonZero, TEXTS),
    ("l3CacheSchema", NonZero, Text),
    ("memBwSchema", NonZero, Text),
    ("enableCMT", NonZero, Bool),
    ("enableMBM", NonZero, Bool),
    ("enableMonitoring", NonZero, Bool),
]);

/// One device extension file.
pub(crate) const DEVICE_EXTENSION: Shape = Object(&[
    ("device_category", Given, DEVICE_CATEGORY),
    ("namespace", Given, EXTENSION_NAMESPACE),
]);

const DEVICE_CATEGORY: Shape =
    Object(&[("name", NonZero, Text), ("interface_class", NonZero, List(&INTERFACE_CLASS))]);

const INTERFACE_CLASS: Shape =
    Object(&[("type", NonZero, Text), ("identifier", NonZero, Text), ("recurse", NonZero, Bool)]);

const EXTENSION_NAMESPACE: Shape =
    Object(&[("ob", Given, OBJECT_NAMESPACE), ("device", Given, DEVICE_NAMESPACE)]);

const OBJECT_NAMESPACE: Shape = Object(&[
    ("shadow", NonZero, Text),
    ("symlink", NonZero, List(&OBJECT_LINK)),
    ("objdir", NonZero, List(&DIRECTORY)),
]);

// Directories nest: a static may refer to itself, a constant may not.
static DIRECTORY: Shape = Object(&DIRECTORY_FIELDS);
static DIRECTORY_FIELDS: [Field; 5] = [
    ("name", NonZero, Text),
    ("clonesd", NonZero, Text),
    ("shadow", NonZero, Text),
    ("symlink", NonZero, List(&OBJECT_LINK)),
    ("objdir", NonZero, List(&DIRECTORY)),
];

const OBJECT_LINK: Shape = Object(&[
    ("name", NonZero, Text),
    ("path", NonZero, Text),
    ("scope", NonZero, Text),
    ("pathtoclone", NonZero, Text),
    ("access_mask", NonZero, I32),
]);

const DEVICE_NAMESPACE: Shape = Object(&[
    ("requires_driverstore", NonZero, Bool),
    ("device_category", NonZero, List(&DEVICE_CATEGORY)),
    ("device_instance", NonZero, List(&DEVICE_INSTANCE)),
]);

const DEVICE_INSTANCE: Shape = Object(&[
    ("id", NonZero, Text),
    ("location_path", NonZero, Text),
    ("port_name", NonZero, Text),
    ("interface_class", NonZero, List(&INTERFACE_CLASS)),
]);
