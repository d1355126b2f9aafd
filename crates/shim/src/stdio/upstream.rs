//! Connecting what the client named.

use std::io;
use std::path::Path;
use std::time::Duration;

use engine::system::Reader;
use plan::Streams;

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
            let opened = engine::pipes::open_reader(Path::new(&ends.stdin), PATIENCE).await;
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
        Some(("file", path)) => open_file(Path::new(path)).await,
        None => engine::pipes::open_writer(Path::new(name), PATIENCE).await.map(Outlet::Pipe),
        Some((scheme, _)) => {
            let (name, scheme) = (name.to_owned(), scheme.to_owned());
            return Err(StdioError::Scheme { stream, name, scheme });
        }
    };
    opened.map(Some).map_err(failed(stream, name))
}

/// A log file is made when it is missing, and added to when it is there.
async fn open_file(path: &Path) -> io::Result<Outlet> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
    Ok(Outlet::other(Box::pin(file)))
}

fn failed(stream: &'static str, name: &str) -> impl FnOnce(io::Error) -> StdioError {
    let name = name.to_owned();
    move |source| StdioError::Open { stream, name, source }
}

#[cfg(test)]
mod tests {
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
