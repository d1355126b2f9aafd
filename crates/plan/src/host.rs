//! What a plan must know of the host: facts that never change, and look-ups that it asks for.
//!
//! Planning itself reads no file. [`Lookups`] is what it asks instead: `resources` answers from the
//! host's file system, the golden tests from a described one.

use serde::{Deserialize, Serialize};

/// How this host spells its paths, and with that which engine will run the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathStyle {
    /// Windows: drive letters, volume names, the Host Compute Service.
    Windows,
    /// Unix: the Linux engine. Mount sources are Unix paths, a scratch is a folder.
    Unix,
}

/// Builds of Windows that decide something.
pub mod builds {
    /// Windows Server 2016's third update: named pipes in containers.
    pub const RS3: u32 = 16299;
    /// Windows Server 2019: schema 2.1.
    pub const RS5: u32 = 17763;
    /// Linux kernels booted without firmware.
    pub const KERNEL_DIRECT: u32 = 18286;
    /// Single files over Plan9, several disks on one persistent memory device.
    pub const V19H1: u32 = 18362;
    /// Cold discard hints.
    pub const COLD_DISCARD: u32 = 18967;
    /// Processor limits of running containers.
    pub const V20H2: u32 = 19042;
    /// Processor groups at creation of a VM.
    pub const V21H1: u32 = 19043;
    /// Windows Server 2022: schema 2.5, affinity over several processor groups.
    pub const LTSC2022: u32 = 20348;
    /// Windows Server 2025: virtual NUMA.
    pub const WS2025: u32 = 26100;
}

/// Facts of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// How it spells paths.
    pub paths: PathStyle,
    /// The build of Windows, or the one that the Linux engine presents.
    pub build: u32,
    /// Logical processors.
    pub processors: u32,
    /// The folder of the shim's executable.
    pub shim_folder: String,
    /// `%ProgramFiles%`.
    pub program_files: String,
    /// The log level passed on to a Linux VM's agent.
    pub log_level: String,
    /// Keep secrets out of logs.
    pub scrub_logs: bool,
    /// It has the bind filter: what a host process container sees can be bound for it alone.
    pub bind_filter: bool,
}

impl HostFacts {
    /// A host with the Linux engine, which presents itself as Windows Server 2022.
    pub fn unix(processors: u32) -> Self {
        Self {
            paths: PathStyle::Unix,
            build: builds::LTSC2022,
            processors,
            shim_folder: String::new(),
            program_files: String::new(),
            log_level: "info".into(),
            scrub_logs: true,
            bind_filter: false,
        }
    }

    /// A Windows host, without the bind filter.
    pub fn windows(build: u32, processors: u32, shim_folder: impl Into<String>) -> Self {
        Self {
            paths: PathStyle::Windows,
            build,
            processors,
            shim_folder: shim_folder.into(),
            program_files: r"C:\Program Files".into(),
            log_level: "info".into(),
            scrub_logs: true,
            bind_filter: false,
        }
    }

    /// Whether the Linux engine will run the plan.
    pub fn is_unix(&self) -> bool {
        self.paths == PathStyle::Unix
    }
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A directory.
    Directory,
    /// A file of so many bytes.
    File(u64),
}

/// Why a look-up failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot look at `{path}`: {why}")]
pub struct LookupError {
    /// What was looked at.
    pub path: String,
    /// The system's reason.
    pub why: String,
}

/// What planning asks of the host. Every answer holds for as long as the plan is used.
pub trait Lookups {
    /// What is at `path`, links followed.
    fn find(&self, path: &str) -> Result<Found, LookupError>;

    /// `path` with every link resolved, as the engine must be given it.
    fn resolve(&self, path: &str) -> Result<String, LookupError>;

    /// The text of a file.
    fn read(&self, path: &str) -> Result<String, LookupError>;

    /// The id of the layer at `path`.
    fn layer_id(&self, path: &str) -> Result<String, LookupError>;

    /// A new GUID.
    fn new_guid(&self) -> String;

    /// Whether there is something at `path`.
    fn exists(&self, path: &str) -> bool {
        self.find(path).is_ok()
    }

    /// Whether there is a directory at `path`.
    fn is_directory(&self, path: &str) -> bool {
        matches!(self.find(path), Ok(Found::Directory))
    }
}
