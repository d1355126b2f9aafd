//! A state folder of a test's own, bundles in it, and shims for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use schema::ExitCode;
use serde_json::{Value, json};
use shim::client::{Client, Launch, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The shim, as Windows names the file that cargo built elsewhere.
pub(crate) fn program() -> PathBuf {
    let path = env!("CARGO_BIN_EXE_containerd-shim-runhcs-v1");
    // Wine shows the host's root as `Z:`.
    if path.starts_with('/') { PathBuf::from(format!("Z:{path}")) } else { path.into() }
}

/// What Wine says of one new process in thousands: it was lost before it began
/// (`ERROR_INTERNAL_ERROR`).
const LOST: i32 = 1359;

/// Starts a shim, and once more one that Wine lost.
pub(crate) async fn shim(launch: &Launch) -> Client {
    match Client::start(launch).await {
        Err(error) if was_lost(&error) => Client::start(launch).await.unwrap(),
        other => other.unwrap(),
    }
}

/// Runs a program to its end, and once more one that Wine lost.
pub(crate) fn output(command: &mut Command) -> Output {
    match command.output() {
        Err(error) if was_lost(&error) => command.output().unwrap(),
        other => other.unwrap(),
    }
}

fn was_lost(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|cause| cause.raw_os_error() == Some(LOST))
    })
}

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn scratch(&self, id: &str) -> PathBuf {
        self.path().join(format!("scratch-{id}"))
    }

    /// A bundle for a container that runs `line`.
    pub(crate) fn bundle(&self, id: &str, line: &str, annotations: &Value) -> PathBuf {
        self.bundle_at("", id, line, annotations)
    }

    /// The same, with files that are there already.
    pub(crate) fn bundle_at(
        &self,
        root: &str,
        id: &str,
        line: &str,
        annotations: &Value,
    ) -> PathBuf {
        let layer = self.path().join("layer");
        std::fs::create_dir_all(&layer).unwrap();
        // As the service leaves a base layer.
        std::fs::write(layer.join("blank.vhdx"), "").unwrap();
        let bundle = self.path().join(id);
        std::fs::create_dir_all(&bundle).unwrap();
        let config = json!({
            "ociVersion": "1.1.0",
            "hostname": "windows",
            "process": { "commandLine": line, "args": [], "cwd": "C:\\", "env": ["COLOUR=blue"],
                         "user": { "uid": 0, "gid": 0 } },
            "root": { "path": root },
            "annotations": annotations,
            "windows": { "layerFolders": [layer, self.scratch(id)] },
        });
        std::fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        bundle
    }

    pub(crate) fn launch(&self, id: &str, bundle: &Path) -> Launch {
        Launch {
            program: program(),
            bundle: bundle.to_owned(),
            namespace: "test".to_owned(),
            id: id.to_owned(),
            env: vec![
                ("TRANSOM_STATE".into(), self.path().into()),
                ("TRANSOM_ROOT".into(), self.path().into()),
            ],
            ..Launch::default()
        }
    }
}

/// The annotations of a pod's sandbox, or of a container in it.
pub(crate) fn in_pod(kind: &str, pod: &str) -> Value {
    json!({
        "io.kubernetes.cri.container-type": kind,
        "io.kubernetes.cri.sandbox-id": pod,
    })
}

/// A name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// A pipe that the test listens at, as containerd does.
pub(crate) struct Pipe {
    pub(crate) name: String,
    pub(crate) server: NamedPipeServer,
}

impl Pipe {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!(r"\\.\pipe\transom-test-{}", unique(name));
        let server = ServerOptions::new().create(&name).unwrap();
        Self { name, server }
    }

    /// Everything that is said until the writer goes.
    pub(crate) async fn hear(mut self) -> String {
        let mut heard = Vec::new();
        let hear = async {
            self.server.connect().await.unwrap();
            // A writer that goes is the end.
            let _ = self.server.read_to_end(&mut heard).await;
        };
        tokio::time::timeout(PATIENCE, hear).await.unwrap();
        String::from_utf8_lossy(&heard).replace('\r', "")
    }
}

/// Only stdout.
pub(crate) fn to(pipe: &Pipe) -> Stdio {
    Stdio { stdout: pipe.name.clone(), ..Stdio::default() }
}

/// Ends a shim that serves nothing any more.
pub(crate) async fn end(client: &Client, id: &str) {
    client.shutdown(id, true).await.unwrap();
}

/// An exec with a stdin of its own.
pub(crate) async fn exec_in(client: &Client, task: &str) {
    let (typed, said) = (Pipe::new(&format!("typed-{task}")), Pipe::new(&format!("said-{task}")));
    let process = serde_json::from_value(json!({
        "args": [r"C:\windows\system32\hcs-probe.exe", "echo"], "cwd": "C:\\",
        "user": { "uid": 0, "gid": 0 },
    }));
    let stdio = Stdio { stdin: typed.name.clone(), stdout: said.name.clone(), ..Stdio::default() };
    client.exec(task, "e1", &process.unwrap(), &stdio).await.unwrap();
    client.start_process(task, Some("e1")).await.unwrap();
    let heard = tokio::spawn(said.hear());
    typed.server.connect().await.unwrap();
    {
        let mut typed = typed.server;
        typed.write_all(b"through two pipes\r\n").await.unwrap();
        typed.flush().await.unwrap();
    }
    client.close_io(task, Some("e1")).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(task, Some("e1"))).await.unwrap();
    assert_eq!(exit.unwrap().code, ExitCode(0));
    assert_eq!(heard.await.unwrap().trim(), "through two pipes");
    client.delete(task, Some("e1")).await.unwrap();
}
