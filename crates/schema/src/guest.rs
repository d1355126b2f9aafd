//! What a silo host and the guest helper inside say to each other.
//!
//! A Unix stream socket carries frames: a little-endian `u32` length, then that many bytes of
//! JSON. The host sends [`Request`]s, the guest answers each with one [`Message::Reply`] and
//! reports what happens with [`Message::Event`]. A request's file descriptors travel as ancillary
//! data with the first byte of its frame, in the order that its doc names.
//!
//! Everything that arrives from a guest is hostile: [`MAX_FRAME`] bounds it.

use serde::{Deserialize, Serialize};

use crate::container::{Environment, RegistryKey, RegistryValue};
use crate::process::ControlEvent;
use crate::properties::ProcessDetails;

/// The longest frame either side accepts. A Windows command line is at most 32,767 UTF-16 units;
/// the rest is room for a large environment.
pub const MAX_FRAME: usize = 4 << 20;

/// The environment variable that names the guest's end of the socket.
pub const CONTROL_FD: &str = "TRANSOM_CONTROL_FD";

/// The environment variable that tells a guest which processors the silo may use: a mask in
/// hexadecimal, of the first 64. Without it, those that Linux tells of.
pub const PROCESSORS: &str = "TRANSOM_PROCESSORS";

/// The exit code of a guest behind which nothing of the registry is left to be written.
pub const REGISTRY_IS_WRITTEN: i32 = 90;

/// A request and the number that its reply will carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the host; unique while the request is open.
    pub id: u64,
    /// What to do.
    pub call: Call,
}

/// What a guest is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Call {
    /// Start a process. Descriptors: stdin, stdout, stderr, those of them that [`Spawn`] names.
    Spawn(Spawn),
    /// Deliver a control event to one process, or to all when `pid` is absent.
    Signal {
        /// Which process.
        pid: Option<u32>,
        /// Which event.
        event: ControlEvent,
    },
    /// End a process, or all but the guest when `pid` is absent.
    Terminate {
        /// Which process.
        pid: Option<u32>,
        /// The exit code it gets.
        exit_code: u32,
    },
    /// Resize the console of a process started with one.
    Resize {
        /// Which process.
        pid: u32,
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
    /// List the processes.
    Processes,
    /// Resolve an account name to its SID.
    ResolveUser {
        /// `ContainerUser`, `BUILTIN\Administrators`, `S-1-5-18`, ...
        name: String,
    },
    /// Write and delete registry values.
    Registry {
        /// Keys deleted first.
        delete_keys: Vec<RegistryKey>,
        /// Values set then, in order.
        add_values: Vec<RegistryValue>,
    },
    /// Write the registry to disk now.
    FlushRegistry,
    /// The silo may use all its processors from now on: give the processes that chose some of them
    /// what they chose.
    Disperse,
    /// Serve a pipe: each of its clients is reported by [`Event::PipeClient`].
    ServePipe {
        /// Its name, without `\\\\.\\pipe\\`.
        name: String,
    },
    /// Answer a pipe's client. Descriptor: the connection that it gets; when the host could not
    /// connect there is none, and the client is sent away.
    ConnectPipe {
        /// The number that its report had.
        client: u64,
        /// A descriptor is attached.
        connected: bool,
    },
    /// Open a pipe that a program serves. Descriptor: the connection that it is joined to, which
    /// is closed when nobody serves the pipe.
    OpenPipe {
        /// Its name, without `\\\\.\\pipe\\`.
        name: String,
    },
    /// Deliver `CtrlShutdown` to all, wait for them at most so long, then end the session.
    Shutdown {
        /// Milliseconds.
        grace_ms: u64,
    },
}

/// A process to start.
#[expect(clippy::struct_excessive_bools, reason = "each stands for one descriptor")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spawn {
    /// Raw.
    pub command_line: String,
    /// Absolute Windows path; empty is `C:\`.
    pub working_directory: String,
    /// Put over the account's variables.
    pub environment: Environment,
    /// Empty is `ContainerAdministrator`.
    pub user: String,
    /// A stdin descriptor is attached.
    pub stdin: bool,
    /// A stdout descriptor is attached.
    pub stdout: bool,
    /// A stderr descriptor is attached.
    pub stderr: bool,
    /// Attach to the guest's own console in the place of descriptors: the guest that gets this was
    /// started on a pty for this one process.
    pub console: bool,
}

/// What a guest sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message")]
pub enum Message {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u64,
        /// How it went.
        result: Result<Answer, Failure>,
    },
    /// Something happened.
    Event(Event),
}

/// A request's success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Answer {
    /// Done; there is nothing to tell.
    Done,
    /// The process runs.
    Spawned {
        /// Its Windows pid.
        pid: u32,
    },
    /// The processes.
    Processes {
        /// Without the guest itself and Wine's own services.
        processes: Vec<ProcessDetails>,
    },
    /// The account.
    User(User),
}

/// A resolved account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name as the system spells it.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// `S-1-...`.
    pub sid: String,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (Windows error {code})")]
pub struct Failure {
    /// The Windows error (`GetLastError`), for example 2 when a program is not found.
    pub code: u32,
    /// What was being done, to what, and the system's words.
    pub message: String,
}

/// Something that happened inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// The session is up; requests are taken from now on.
    Ready {
        /// The guest's version; host and guest must have the same.
        version: String,
    },
    /// A process that was started by request ended. Comes after its `Spawned`, once.
    Exited {
        /// Its Windows pid.
        pid: u32,
        /// All 32 bits.
        exit_code: u32,
    },
    /// Somebody has opened a pipe of [`Call::ServePipe`], and waits for a connection.
    PipeClient {
        /// The pipe, as it was asked for.
        name: String,
        /// Chosen by the guest; [`Call::ConnectPipe`] names it.
        client: u64,
    },
}
