//! What is run in a container, and how.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use engine::system::Reader;
use plan::Streams;
use plan::oci::{ConsoleBox, Process as SpecProcess, User};
use schema::ConsoleSize;
use schema::process::ControlEvent;
use tokio::sync::mpsc;

/// What is run, and how.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// Program and arguments; or
    pub args: Vec<String>,
    /// a raw command line, which wins.
    pub command_line: String,
    /// `NAME=value`. In an `exec`, none at all means those of the container.
    pub env: Vec<String>,
    /// Where it starts, a Windows path. In an `exec`, empty means where the container does.
    pub cwd: String,
    /// Who runs it; empty is the default account, in an `exec` the container's.
    pub user: String,
    /// The computer's name; a usual one when empty.
    pub hostname: String,
    /// It has a console of this size.
    pub console: Option<ConsoleSize>,
    /// Its network.
    pub network: NetMode,
    /// Names that need no server, and their addresses.
    pub hosts: Vec<(String, HostAddress)>,
    /// Exit codes that mean success; 0 when there are none.
    pub valid_exit_codes: Vec<u32>,
}

/// The address of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAddress {
    /// Known already.
    Fixed(IpAddr),
    /// That of the host on the container's network.
    Gateway,
}

/// The network of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NetMode {
    /// The network `nat`.
    #[default]
    Default,
    /// Nothing but loopback.
    None,
    /// The host's own, which no Windows container can have.
    Host,
}

/// Something of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What.
    pub source: Source,
    /// Where: a Windows path, or a pipe's.
    pub destination: String,
    /// Not writable.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder or a file.
    Path(PathBuf),
    /// Memory, of at most so many bytes.
    Memory(Option<u64>),
    /// A Unix socket, seen as a pipe.
    Socket(PathBuf),
}

impl Mount {
    pub(super) fn to_spec(&self) -> plan::oci::Mount {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut options: Vec<String> = Vec::new();
        options.extend(self.read_only.then(|| "ro".to_owned()));
        let (mount_type, source) = match &self.source {
            Source::Path(path) | Source::Socket(path) => (String::new(), text(path)),
            Source::Memory(size) => {
                options.extend(size.map(|size| format!("size={size}")));
                (plan::mounts::MEMORY.to_owned(), plan::mounts::MEMORY.to_owned())
            }
        };
        let destination = self.destination.clone();
        plan::oci::Mount { destination, mount_type, source, options, ..Default::default() }
    }
}

/// Takes what a process writes.
pub trait Output: Send + Sync + 'static {
    /// Some bytes of its stdout, or of its stderr.
    fn write(&self, stderr: bool, bytes: &[u8]);
}

/// What a process can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End now.
    Kill,
    /// A control event of its console.
    Control(ControlEvent),
}

impl Signal {
    /// By its name or number; `None` for one that Windows has nothing for.
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        Some(match upper.strip_prefix("SIG").unwrap_or(&upper) {
            "KILL" | "9" => Self::Kill,
            "TERM" | "15" | "CTRLSHUTDOWN" => Self::Control(ControlEvent::CtrlShutdown),
            "CTRLC" => Self::Control(ControlEvent::CtrlC),
            "CTRLBREAK" => Self::Control(ControlEvent::CtrlBreak),
            "CTRLCLOSE" => Self::Control(ControlEvent::CtrlClose),
            "CTRLLOGOFF" => Self::Control(ControlEvent::CtrlLogOff),
            _ => return None,
        })
    }
}

/// A process, and what goes into it and comes out of it.
pub struct Process {
    /// What is run.
    pub meta: Meta,
    /// What it reads; nothing when absent.
    pub stdin: Option<Reader>,
    /// What it writes goes here.
    pub output: Arc<dyn Output>,
    /// New sizes for its console.
    pub resize: Option<mpsc::Receiver<ConsoleSize>>,
    /// What it is told.
    pub signals: Option<mpsc::Receiver<Signal>>,
}

impl Process {
    /// One that reads nothing and is told nothing.
    pub fn new(meta: Meta, output: Arc<dyn Output>) -> Self {
        Self { meta, stdin: None, output, resize: None, signals: None }
    }

    pub(super) fn streams(&self) -> Streams {
        // A console is one stream each way.
        Streams { stdin: self.stdin.is_some(), stdout: true, stderr: self.meta.console.is_none() }
    }

    pub(super) fn to_spec(&self) -> SpecProcess {
        let meta = &self.meta;
        SpecProcess {
            terminal: meta.console.is_some(),
            console_size: meta
                .console
                .map(|size| ConsoleBox { height: size.height.into(), width: size.width.into() }),
            user: User { username: meta.user.clone(), ..User::default() },
            args: meta.args.clone(),
            command_line: meta.command_line.clone(),
            env: meta.env.clone(),
            cwd: meta.cwd.clone(),
            ..SpecProcess::default()
        }
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("meta", &self.meta).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_what_windows_has_for_them() {
        assert_eq!(Signal::parse("SIGKILL"), Some(Signal::Kill));
        assert_eq!(Signal::parse("term"), Some(Signal::Control(ControlEvent::CtrlShutdown)));
        assert_eq!(Signal::parse("CtrlC"), Some(Signal::Control(ControlEvent::CtrlC)));
        assert_eq!((Signal::parse("HUP"), Signal::parse("INT")), (None, None));
    }

    #[test]
    fn memory_is_mounted_by_its_size() {
        let mount = Mount {
            source: Source::Memory(Some(4096)),
            destination: r"C:\m".to_owned(),
            read_only: false,
        };
        let spec = mount.to_spec();
        assert_eq!(
            (spec.mount_type.as_str(), &spec.options[..]),
            ("tmpfs", &["size=4096".into()][..])
        );
    }
}
