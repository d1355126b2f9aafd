//! What a DLL and the service say to each other: one JSON text a line, over a local socket.
//!
//! Handles are numbers that the DLL chooses, so that a call can give one back before it is answered.

use std::io::{self, BufRead, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The file in the temporary folder that holds the service's port.
pub const PORT_FILE: &str = "hcs-emulator.port";

/// What the service says first, so that a caller knows who listens at the port.
pub const GREETING: &str = "hcs-emulator";

/// From a DLL.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Request {
    /// Comes back in the answer; 0 wants none.
    pub seq: u64,
    /// What to do, by the function's name.
    pub call: String,
    /// The handle that it is about.
    pub handle: u64,
    /// The handle to make.
    pub new_handle: u64,
    /// A pid.
    pub number: u64,
    /// Texts, in the function's order.
    pub texts: Vec<String>,
}

/// To a DLL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// A request is done.
    Answer(Answer),
    /// Something happened to what a handle is of.
    Event(Event),
}

/// How a request ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The request's.
    pub seq: u64,
    /// An HRESULT.
    pub result: u32,
    /// A document, or an error document; may be empty.
    pub document: String,
    /// A process' pid.
    pub pid: u32,
    /// Its stdin, stdout and stderr: handles in the asking process, or 0.
    pub streams: [u64; 3],
}

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// The handle.
    pub handle: u64,
    /// `computecore.dll`'s number.
    pub kind: u32,
    /// Its document.
    pub data: String,
}

/// The end of a compute system.
pub const SYSTEM_EXITED: u32 = 0x0000_0001;
/// The end of a process.
pub const PROCESS_EXITED: u32 = 0x0001_0000;
/// The service is gone.
pub const SERVICE_DISCONNECT: u32 = 0x0200_0000;

/// A network was made.
pub const NETWORK_CREATED: u32 = 2;
/// A network was removed.
pub const NETWORK_DELETED: u32 = 4;
/// A network namespace was made.
pub const NAMESPACE_CREATED: u32 = 5;
/// A network namespace was removed.
pub const NAMESPACE_DELETED: u32 = 6;

/// Sends one.
pub fn send(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Receives one; `None` at the end.
pub fn receive<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
