//! Connecting what the client named.

use std::io;
use std::path::Path;
use std::time::Duration;

use engine::system::Reader;
use plan::Streams;

use super::address;
use super::logger::{self, Binary};
use super::outlet::Outlet;

/// How long a client may take to read from its pipes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ends as a client names them. Empty is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) stdin: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) terminal: bool,
}

/// An end that could not be connected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StdioError {
    /// A pipe or a file.
    #[error("cannot open {stream} `{name}`")]
    Open {
        /// Which stream.
        stream: &'static str,
        /// Its name.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A kind that does not exist.
    #[error("{stream} `{name}`: scheme must be 'binary' or 'file', got: '{scheme}'")]
    Scheme {
        /// Which stream.
        stream: &'static str,
        /// Its name.
        name: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// A file's address that names none of this host's.
    #[error("{stream} `{name}`: behind file:// stands an absolute path of this host")]
    File {
        /// Which stream.
        stream: &'static str,
        /// Its name.
        name: String,
    },
    /// The logger.
    #[error("failed to start binary logger: {0}")]
    Logger(String),
}

/// Connected ends.
#[derive(Default)]
pub(crate) struct Upstream {
    pub(crate) stdin: Option<Reader>,
    pub(crate) stdout: Option<Outlet>,
    pub(crate) stderr: Option<Outlet>,
    pub(crate) logger: Option<tokio::process::Child>,
    /// As `State` tells them.
    pub(crate) ends: Ends,
}

impl Upstream {
    /// Connects all of them, or none. `id` and `namespace` are the container's, for a logger.
    pub(crate) async fn connect(ends: Ends, namespace: &str, id: &str) -> Result<Self, StdioError> {
        if let Some(binary) = Binary::parse(&ends.stdout)? {
            return Self::to_logger(&binary, namespace, id).await;
        }
        let mut upstream = Self::default();
        if !ends.stdin.is_empty() {
            let opened = open_input(Path::new(&ends.stdin), ends.terminal).await;
            upstream.stdin = Some(opened.map_err(failed("stdin", &ends.stdin))?);
        }
        upstream.stdout = open("stdout", &ends.stdout).await?;
        upstream.stderr = open("stderr", &ends.stderr).await?;
        upstream.ends = ends;
        Ok(upstream)
    }

    /// A logger takes both outputs; there is no stdin and no terminal.
    async fn to_logger(binary: &Binary, namespace: &str, id: &str) -> Result<Self, StdioError> {
        let logger = logger::start(binary, namespace, id).await?;
        let name = binary.name();
        Ok(Self {
            stdin: None,
            stdout: Some(Outlet::other(logger.stdout)),
            stderr: Some(Outlet::other(logger.stderr)),
            logger: Some(logger.process),
            ends: Ends { stdout: name.clone(), stderr: name, ..Ends::default() },
        })
    }

    /// Which streams the process is to have.
    pub(crate) fn streams(&self) -> Streams {
        Streams {
            stdin: self.stdin.is_some(),
            stdout: self.stdout.is_some(),
            stderr: self.stderr.is_some(),
        }
    }
}

async fn open(stream: &'static str, name: &str) -> Result<Option<Outlet>, StdioError> {
    if name.is_empty() {
        return Ok(None);
    }
    let opened = match name.split_once("://") {
        Some(("file", rest)) => match address::file(rest) {
            Some(path) => open_log(&path).await,
            None => return Err(StdioError::File { stream, name: name.to_owned() }),
        },
        None => open_output(Path::new(name)).await,
        Some(("binary", _)) => {
            let rule = "stdout names the logger, which takes both streams";
            return Err(StdioError::Logger(format!("{stream} `{name}`: {rule}")));
        }
        Some((scheme, _)) => {
            let (name, scheme) = (name.to_owned(), scheme.to_owned());
            return Err(StdioError::Scheme { stream, name, scheme });
        }
    };
    opened.map(Some).map_err(failed(stream, name))
}

/// A log file is made when it is missing, and added to when it is there.
async fn open_log(path: &Path) -> io::Result<Outlet> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
    Ok(Outlet::other(Box::pin(file)))
}

/// A pipe; or, as containerd's own shim has it, a file that is there in the place of one.
async fn open_output(path: &Path) -> io::Result<Outlet> {
    match engine::pipes::open_writer(path, PATIENCE).await {
        Err(error) if is_file_instead(&error, path).await => {
            let file = tokio::fs::OpenOptions::new().append(true).open(path).await?;
            Ok(Outlet::other(Box::pin(file)))
        }
        opened => opened.map(Outlet::Pipe),
    }
}

/// A terminal outlasts who sits at it: another may attach to it, and type. Elsewhere the end of the
/// client's input is that of the process'.
async fn open_input(path: &Path, is_terminal: bool) -> io::Result<Reader> {
    let opened = if is_terminal {
        engine::pipes::open_lasting_reader(path, PATIENCE).await
    } else {
        engine::pipes::open_reader(path, PATIENCE).await
    };
    match opened {
        Err(error) if is_file_instead(&error, path).await => {
            Ok(Box::pin(tokio::fs::File::open(path).await?))
        }
        opened => opened,
    }
}

/// What is no pipe was not opened. A terminal is none either, and reading one would never end.
async fn is_file_instead(error: &io::Error, path: &Path) -> bool {
    error.kind() == io::ErrorKind::InvalidInput
        && tokio::fs::metadata(path).await.is_ok_and(|found| found.is_file())
}

fn failed(stream: &'static str, name: &str) -> impl FnOnce(io::Error) -> StdioError {
    let name = name.to_owned();
    move |source| StdioError::Open { stream, name, source }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn stdout(name: &str) -> Ends {
        Ends { stdout: name.to_owned(), ..Ends::default() }
    }

    #[tokio::test]
    async fn a_missing_pipe_is_named() {
        let refused = Upstream::connect(stdout("/nowhere/pipe"), "ns", "c").await.err().unwrap();
        assert_eq!(refused.to_string(), "cannot open stdout `/nowhere/pipe`");
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_refused() {
        let refused = Upstream::connect(stdout("http://x/y"), "ns", "c").await.err().unwrap();
        assert!(refused.to_string().contains("got: 'http'"), "{refused}");
    }

    #[tokio::test]
    async fn a_file_that_is_none_of_this_host_is_refused_and_so_is_a_logger_for_stderr() {
        for name in ["file://", "file://rel/x", "file://elsewhere/x"] {
            let refused = Upstream::connect(stdout(name), "ns", "c").await.err().unwrap();
            let said = refused.to_string();
            assert!(said.contains(name) && said.contains("an absolute path"), "{said}");
        }
        let ends = Ends { stderr: "binary:///bin/true".to_owned(), ..Ends::default() };
        let refused = Upstream::connect(ends, "ns", "c").await.err().unwrap();
        assert!(refused.to_string().contains("stdout names the logger"), "{refused}");
    }

    /// containerd's `runc` shim.
    #[tokio::test]
    async fn a_file_in_the_place_of_a_pipe_is_read_and_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("in"), "typed").unwrap();
        std::fs::write(path("out"), "before, ").unwrap();
        let ends = Ends { stdin: path("in"), stdout: path("out"), ..Ends::default() };
        let upstream = Upstream::connect(ends, "ns", "c").await.unwrap();
        let mut said = String::new();
        upstream.stdin.unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "typed");
        assert_eq!(upstream.stdout.unwrap().write(b"after").await.unwrap(), 5);
        assert_eq!(std::fs::read_to_string(path("out")).unwrap(), "before, after");
    }

    #[tokio::test]
    async fn a_terminal_takes_from_one_client_after_the_other_and_a_stream_ends_with_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdin");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        for terminal in [true, false] {
            let stdin = path.display().to_string();
            let ends = Ends { stdin, terminal, ..Ends::default() };
            let mut upstream = Upstream::connect(ends, "ns", "c").await.unwrap();
            let stdin = upstream.stdin.as_mut().unwrap();
            let mut heard = [0; 5];
            for _ in 0..if terminal { 2 } else { 1 } {
                std::fs::write(&path, "typed").unwrap();
                stdin.read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, b"typed");
            }
            if !terminal {
                assert_eq!(stdin.read(&mut heard).await.unwrap(), 0);
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/out");
        let name = format!("file://{}", path.display());
        for word in ["one ", "two"] {
            let upstream = Upstream::connect(stdout(&name), "ns", "c").await.unwrap();
            let mut writer = upstream.stdout.unwrap();
            assert_eq!(writer.write(word.as_bytes()).await.unwrap(), word.len());
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), "one two");
    }
}
