//! What a silo is built from: every value of a document decided, nothing touched yet.

use std::path::PathBuf;

use schema::MiB;
use schema::container::RegistryChanges;
use serde::{Deserialize, Serialize};

use super::credentials::CredentialsPlan;
use super::devices::DeviceNode;
use super::disk::DiskKind;

/// A decided silo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SiloPlan {
    /// Who created it.
    pub(crate) owner: String,
    /// The host name inside.
    pub(crate) host_name: String,
    /// What `C:` is made of.
    pub(crate) storage: StoragePlan,
    /// Host directories and files inside.
    pub(crate) mapped: Vec<MappedPlan>,
    /// Pipes inside, and their sockets on the host.
    pub(crate) pipes: Vec<PipePlan>,
    /// Devices of the host inside.
    pub(crate) devices: Vec<DeviceNode>,
    /// Kerberos tickets for every process.
    #[serde(default)]
    pub(crate) credentials: Option<CredentialsPlan>,
    /// The network namespace; `None` is a new one with nothing but loopback.
    pub(crate) network: Option<PathBuf>,
    /// Suffixes that the document names; they come before the namespace's.
    pub(crate) dns_search: Vec<String>,
    /// Names without dots may be asked for as they are.
    pub(crate) unqualified_names: bool,
    /// Limits.
    pub(crate) limits: Limits,
    /// Registry values for the guest to write.
    pub(crate) registry: RegistryChanges,
    /// The control groups' name below each hierarchy.
    pub(crate) cgroup: PathBuf,
    /// The same where the document wants them.
    #[serde(default)]
    pub(crate) asked_cgroup: Option<PathBuf>,
}

/// What `C:` and the root file system are made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoragePlan {
    /// Overlay lower directories, the nearest first.
    pub(crate) lowers: Vec<PathBuf>,
    /// The scratch folder.
    pub(crate) scratch: PathBuf,
    /// It is of no use to anybody after a crash of the host ([`crate::PASSING`]).
    pub(crate) passing: bool,
    /// The Linux root file system with Wine in it.
    pub(crate) runtime: PathBuf,
    /// The platform layer's lock, shared by its users.
    pub(crate) in_use: PathBuf,
    /// Wine's programs, inside the runtime.
    pub(crate) wine: WinePlan,
}

/// Wine's programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WinePlan {
    /// Starts a Windows program.
    pub(crate) loader: PathBuf,
    /// Wine's server.
    pub(crate) server: PathBuf,
    /// Variables for the Linux halves of its modules, which see none of a Windows process'.
    #[serde(default)]
    pub(crate) variables: Vec<(String, String)>,
}

/// A host directory or file inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MappedPlan {
    /// What shows there.
    pub(crate) source: MappedSource,
    /// Below `C:\`, component by component; never empty.
    pub(crate) target: Vec<String>,
    /// No writing.
    pub(crate) read_only: bool,
}

/// What is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MappedSource {
    /// A directory or a file of the host.
    Path(PathBuf),
    /// What the file system of a disk holds.
    Disk(PathBuf, DiskKind),
    /// Memory, at most so many bytes; half of the host's when nothing is said.
    Memory(Option<u64>),
}

/// A pipe inside and a socket of the host that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PipePlan {
    /// Without `\\.\pipe\`.
    pub(crate) name: String,
    /// The host's socket.
    pub(crate) socket: PathBuf,
    /// Who serves it.
    #[serde(default)]
    pub(crate) server: PipeServer,
}

/// Which end of a pipe its server is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PipeServer {
    /// A program of the host listens at the socket, programs inside open the pipe.
    #[default]
    Host,
    /// A program inside listens at the pipe, programs of the host connect to the socket.
    Inside,
}

/// Limits of a silo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Processors.
    pub(crate) processor: ProcessorLimit,
    /// Memory; `None` is no limit.
    pub(crate) memory: Option<MiB>,
    /// The scratch's device.
    pub(crate) io: Option<IoLimit>,
}

/// How much of the processors a silo gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProcessorLimit {
    /// What is there.
    #[default]
    None,
    /// So many processors' time.
    Count(u32),
    /// Ten-thousandths of all processors' time.
    Maximum(u32),
    /// A weight against others, 1 to 10000; 500 is usual.
    Weight(u32),
}

/// What a silo may do to its scratch's device in a second; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IoLimit {
    /// Operations, reads and writes each.
    pub(crate) operations: u64,
    /// Bytes, reads and writes each.
    pub(crate) bytes: u64,
}

/// How many processes and threads a silo may have: a fork bomb ends here. No document field sets
/// it; Windows bounds the same by memory.
pub(crate) const MAX_TASKS: u32 = 4096;

/// The least memory that Wine starts in.
pub(crate) const LEAST_MEMORY: MiB = MiB(32);
