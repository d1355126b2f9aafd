//! `binary://` loggers: a program that connects to three pipes that it is told of by variables.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncReadExt as _, AsyncWrite};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::process::{Child, Command};

use super::super::access::Access;
use super::super::os::process::start;
use crate::system::Writer;

/// Numbers loggers: an exec of the same container has pipes of its own.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A logger that runs, and the pipes into it.
pub struct Logger {
    /// The process.
    pub process: Child,
    /// What the container says.
    pub stdout: Writer,
    /// What it complains of.
    pub stderr: Writer,
    outputs: [Arc<NamedPipeServer>; 2],
    wait: NamedPipeServer,
}

/// The program in a logger's address: `/D:/x/y` is `D:\x\y`. A share is unsafe.
pub fn logger_path(path: &str) -> Option<PathBuf> {
    let path = path.replace('/', "\\");
    let path = path.strip_prefix('\\').filter(|rest| rest.contains(":\\")).unwrap_or(&path);
    (!path.starts_with(r"\\")).then(|| PathBuf::from(path))
}

impl Logger {
    /// Starts a logger. It has `env`, its pipes' names and nothing else, but what Windows needs.
    pub fn spawn<A, E, N, V>(program: &Path, args: A, env: E) -> io::Result<Self>
    where
        A: IntoIterator<Item: AsRef<OsStr>>,
        E: IntoIterator<Item = (N, V)>,
        N: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let env: Vec<(OsString, OsString)> = env
            .into_iter()
            .map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()))
            .collect();
        let id = env.iter().find(|(name, _)| name == "CONTAINER_ID").map(|(_, id)| id.clone());
        let id = id.unwrap_or_default().to_string_lossy().into_owned();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = std::process::id();
        let name = |stream: &str| format!(r"\\.\pipe\binary-{id}-{own}-{number}-{stream}");
        let names = ["stdout", "stderr", "wait"].map(name);
        let access = Access::administrators()?;
        let pipe = |name: &String| {
            access.pipe(name, ServerOptions::new().first_pipe_instance(true).max_instances(1))
        };
        let stdout = Arc::new(pipe(&names[0])?);
        let stderr = Arc::new(pipe(&names[1])?);
        let wait = pipe(&names[2])?;
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env).kill_on_drop(true);
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        let variables = ["CONTAINER_STDOUT", "CONTAINER_STDERR", "CONTAINER_WAIT"];
        command.envs(variables.into_iter().zip(&names));
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        Ok(Self {
            process: start(&mut command)?,
            stdout: Box::pin(Shared(Arc::clone(&stdout))),
            stderr: Box::pin(Shared(Arc::clone(&stderr))),
            outputs: [stdout, stderr],
            wait,
        })
    }

    /// Waits until the logger says that it is ready, by a byte or by closing the pipe; an error
    /// when it ends before that.
    pub async fn ready(&mut self) -> io::Result<()> {
        let Self { process, outputs: [stdout, stderr], wait, .. } = self;
        let connected = async {
            stdout.connect().await?;
            stderr.connect().await?;
            wait.connect().await?;
            let mut byte = [0];
            wait.read(&mut byte).await.map(drop)
        };
        tokio::select! {
            connected = connected => connected,
            status = process.wait() => {
                Err(io::Error::other(format!("the logger ended at once: {}", status?)))
            }
        }
    }
}

/// A pipe whose connection somebody else waits for.
struct Shared(Arc<NamedPipeServer>);

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// hcsshim's `internal/cmd`: "logger path/args" and "logger unsafe path".
    #[test]
    fn a_loggers_path_is_one_of_this_host_and_no_share() {
        for (given, path) in [
            ("/executable", Some(r"\executable")),
            ("/D:/x/y", Some(r"D:\x\y")),
            (r"/D:\x\y", Some(r"D:\x\y")),
            (r"///\server\share", None),
            ("////server/share", None),
            ("//server/share", None),
        ] {
            assert_eq!(logger_path(given), path.map(PathBuf::from), "{given}");
        }
    }
}
