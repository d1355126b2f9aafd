//! Frames: a kind, a little-endian length, then that many bytes.
//!
//! Data frames carry raw bytes, the others JSON. Both ends are the same program run by the same
//! user, so the length bound guards against mistakes only.

use oci_spec::runtime::WindowsResources;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use spec::api::EndpointSettings;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest frame.
pub const MAX_FRAME: usize = 1 << 20;
/// The length of what stands before a frame's content.
pub const HEAD: usize = 5;

/// What a client says.
#[derive(Debug, PartialEq)]
pub enum Ask {
    /// What the client wants to see; first of all frames.
    Hello(Hello),
    /// Bytes for the process.
    Stdin(Vec<u8>),
    /// There will be no more of them.
    StdinEnd,
    /// Do something, and answer.
    Call(Call),
}

/// What a client wants to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one stream, as in docker's attach")]
pub struct Hello {
    /// It will send stdin.
    pub stdin: bool,
    /// It wants stdout.
    pub stdout: bool,
    /// It wants stderr.
    pub stderr: bool,
    /// It wants to be told when the container has ended for good, removal included.
    pub exit: bool,
}

/// What a client can ask a monitor to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Deliver a signal.
    Kill {
        /// Linux' number.
        signal: u32,
    },
    /// Signal, wait, kill. Answered when the container has ended.
    Stop {
        /// Linux' number; the container's own when absent.
        signal: Option<u32>,
        /// Seconds; the container's own when absent; negative waits for ever.
        timeout: Option<i64>,
    },
    /// The client's terminal has this size now.
    Resize {
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
    /// Freeze every process.
    Pause,
    /// The same until this connection ends, or asks for them to be thawed.
    Freeze,
    /// Thaw every process.
    Resume,
    /// Connect it to another network.
    Connect {
        /// Which.
        network: String,
        /// What is asked of the endpoint.
        settings: Box<EndpointSettings>,
    },
    /// Disconnect it from a network.
    Disconnect {
        /// Which.
        network: String,
    },
    /// Take up changed settings: the record has been rewritten.
    Update {
        /// The OCI Windows resources to apply now.
        resources: Option<Box<WindowsResources>>,
    },
}

/// What a monitor says.
#[derive(Debug, PartialEq)]
pub enum Tell {
    /// The process runs.
    Started {
        /// Its pid.
        pid: u32,
    },
    /// The container could not be started.
    Failed(Failure),
    /// Bytes of the process.
    Stdout(Vec<u8>),
    /// Bytes of the process.
    Stderr(Vec<u8>),
    /// The answer to a call.
    Answer(Result<(), String>),
    /// The container has ended.
    Exited(Exit),
}

/// Why a container could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// 125, 126 or 127.
    pub status: u8,
    /// What was being done and why it failed.
    pub message: String,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// All 32 bits.
    pub code: u32,
    /// The memory limit was hit.
    pub oom_killed: bool,
    /// What went wrong beside the process itself.
    pub error: Option<String>,
}

const HELLO: u8 = b'H';
const STDIN: u8 = b'i';
const STDIN_END: u8 = b'E';
const CALL: u8 = b'C';
const STARTED: u8 = b'S';
const FAILED: u8 = b'F';
/// A frame of stdout.
pub const STDOUT: u8 = b'o';
/// A frame of stderr.
pub const STDERR: u8 = b'e';
const ANSWER: u8 = b'A';
const EXITED: u8 = b'X';

impl Ask {
    /// As a frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(hello) => json(HELLO, hello),
            Self::Stdin(data) => frame(STDIN, data),
            Self::StdinEnd => frame(STDIN_END, &[]),
            Self::Call(call) => json(CALL, call),
        }
    }

    /// Reads one; `None` at the end of the stream.
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Self>> {
        let Some((kind, content)) = read_frame(from).await? else { return Ok(None) };
        let ask = match kind {
            HELLO => Self::Hello(parse(&content)?),
            STDIN => Self::Stdin(content),
            STDIN_END => Self::StdinEnd,
            CALL => Self::Call(parse(&content)?),
            other => return Err(unknown(other)),
        };
        Ok(Some(ask))
    }
}

impl Tell {
    /// As a frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Started { pid } => json(STARTED, pid),
            Self::Failed(failure) => json(FAILED, failure),
            Self::Stdout(data) => frame(STDOUT, data),
            Self::Stderr(data) => frame(STDERR, data),
            Self::Answer(answer) => json(ANSWER, answer),
            Self::Exited(exit) => json(EXITED, exit),
        }
    }

    /// Reads one; `None` at the end of the stream.
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Self>> {
        let Some((kind, content)) = read_frame(from).await? else { return Ok(None) };
        let tell = match kind {
            STARTED => Self::Started { pid: parse(&content)? },
            FAILED => Self::Failed(parse(&content)?),
            STDOUT => Self::Stdout(content),
            STDERR => Self::Stderr(content),
            ANSWER => Self::Answer(parse(&content)?),
            EXITED => Self::Exited(parse(&content)?),
            other => return Err(unknown(other)),
        };
        Ok(Some(tell))
    }
}

/// A frame of raw bytes.
pub fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + content.len());
    out.extend_from_slice(&head(kind, content.len()));
    out.extend_from_slice(content);
    out
}

fn head(kind: u8, len: usize) -> [u8; HEAD] {
    let len = u32::try_from(len).expect("a frame is made of at most MAX_FRAME bytes");
    let [a, b, c, d] = len.to_le_bytes();
    [kind, a, b, c, d]
}

/// Writes one frame.
pub async fn write(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> std::io::Result<()> {
    to.write_all(frame).await
}

async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; HEAD];
    match from.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [kind, a, b, c, d] = head;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > MAX_FRAME {
        return Err(invalid(format!("a frame of {len} bytes")));
    }
    let mut content = vec![0; len];
    from.read_exact(&mut content).await?;
    Ok(Some((kind, content)))
}

fn json(kind: u8, value: &impl Serialize) -> Vec<u8> {
    let content = serde_json::to_vec(value).expect("these types have string keys only");
    frame(kind, &content)
}

fn parse<T: DeserializeOwned>(content: &[u8]) -> std::io::Result<T> {
    serde_json::from_slice(content).map_err(|error| invalid(error.to_string()))
}

fn unknown(kind: u8) -> std::io::Error {
    invalid(format!("a frame of unknown kind {kind}"))
}

fn invalid(what: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_is_what_is_heard() {
        let said = [
            Ask::Hello(Hello { stdin: true, exit: true, ..Hello::default() }),
            Ask::Stdin(vec![0, 255, 10]),
            Ask::StdinEnd,
            Ask::Call(Call::Resize { height: 24, width: 80 }),
            Ask::Call(Call::Stop { signal: None, timeout: Some(-1) }),
        ];
        let bytes: Vec<u8> = said.iter().flat_map(Ask::encode).collect();
        let mut from = bytes.as_slice();
        for ask in &said {
            assert_eq!(Ask::read(&mut from).await.unwrap().as_ref(), Some(ask));
        }
        assert_eq!(Ask::read(&mut from).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_off_is_an_error_and_an_endless_one_is_refused() {
        let whole = Tell::Stdout(vec![1, 2, 3]).encode();
        let mut cut = &whole[..whole.len() - 1];
        assert!(Tell::read(&mut cut).await.is_err());
        let mut endless: &[u8] = &[STDOUT, 255, 255, 255, 255];
        assert!(Tell::read(&mut endless).await.is_err());
    }
}
