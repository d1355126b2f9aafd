//! Running one CNI plugin: its environment, its input, its answer or its error.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::ErrorKind;

/// Where distributions and the CNI project install plugins.
const DIRECTORIES: [&str; 4] =
    ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni", "/usr/local/lib/cni"];
/// A plugin that hangs (a lock of another program's, say) must not hang a container for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// What is the same for all plugins of one attachment.
#[derive(Debug, Clone)]
pub(super) struct Environment<'a> {
    /// The container, as plugins keep it.
    pub container: &'a str,
    /// The namespace's pin.
    pub namespace: &'a Path,
    /// The interface's name inside.
    pub interface: &'a str,
}

/// What a plugin is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Del,
}

/// A plugin's own error (CNI specification, section 5).
#[derive(Debug, Deserialize)]
struct PluginError {
    #[serde(default)]
    msg: String,
    #[serde(default)]
    details: String,
}

/// Runs the plugin that `config` names and gives its answer; `Null` when it has none to give.
pub(super) async fn run(
    verb: Verb,
    config: &Value,
    environment: &Environment<'_>,
) -> Result<Value, ErrorKind> {
    let name = config["type"].as_str().unwrap_or_default();
    let what = || format!("run the CNI plugin `{name}`");
    let work = exchange(command(verb, &find(name)?, environment), config);
    let output = tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| ErrorKind::TimedOut { what: "the answer of a CNI plugin", after: LIMIT })?
        .map_err(|e| ErrorKind::io(what(), e))?;
    if !output.status.success() {
        return Err(ErrorKind::io(what(), std::io::Error::other(reason(&output))));
    }
    if verb == Verb::Del || output.stdout.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&output.stdout).map_err(|e| ErrorKind::io(what(), e))
}

fn command(verb: Verb, program: &Path, environment: &Environment<'_>) -> Command {
    let path = std::env::join_paths(search_path()).unwrap_or_default();
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("CNI_COMMAND", if verb == Verb::Add { "ADD" } else { "DEL" })
        .env("CNI_CONTAINERID", environment.container)
        .env("CNI_NETNS", environment.namespace)
        .env("CNI_IFNAME", environment.interface)
        .env("CNI_PATH", path)
        .env("CNI_ARGS", "IgnoreUnknown=1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn exchange(mut command: Command, config: &Value) -> std::io::Result<std::process::Output> {
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("stdin was asked for");
    stdin.write_all(config.to_string().as_bytes()).await?;
    drop(stdin);
    child.wait_with_output().await
}

/// The plugin's words, wherever it put them.
fn reason(output: &std::process::Output) -> String {
    match serde_json::from_slice::<PluginError>(&output.stdout) {
        Ok(error) if error.details.is_empty() => error.msg,
        Ok(error) => format!("{} ({})", error.msg, error.details),
        Err(_) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            format!("{}: {}", output.status, stderr.trim())
        }
    }
}

fn search_path() -> Vec<PathBuf> {
    match std::env::var_os("CNI_PATH") {
        Some(path) => std::env::split_paths(&path).collect(),
        None => DIRECTORIES.iter().map(PathBuf::from).collect(),
    }
}

fn find(name: &str) -> Result<PathBuf, ErrorKind> {
    let found = search_path().into_iter().map(|dir| dir.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| ErrorKind::HostLacks {
        what: format!("the CNI plugin `{name}` is not installed"),
        mend: "install the package containernetworking-plugins, or name the plugins' directory in \
               CNI_PATH"
            .into(),
    })
}
