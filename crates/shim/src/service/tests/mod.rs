//! The service in this process, on the engine in memory, spoken to over a real socket.
//!
//! Where hcsshim has a test of the same, its file and row stand at the test.

mod diag;
mod exec;
mod holder;
mod life;
mod limits;
mod linux_shaped;
mod matrix;
mod model;
mod pod;
mod processors;
mod sandbox;
mod stats;
mod stdio;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use containerd_shim_protos::shim::events::ForwardRequest;
use containerd_shim_protos::shim_async::{Events, create_events};
use engine::Engine as _;
use engine::memory::{Holding, MemoryEngine, MemoryHost, MemorySystem};
use oci_spec::runtime::{Process, ProcessBuilder};
use plan::HostFacts;
use schema::{SystemId, TaskId};
use serde_json::json;
use tokio::sync::mpsc;
use ttrpc::r#async::{Server, TtrpcContext};

use super::{Service, services};
use crate::address::of_socket;
use crate::client::{Client, Stdio};
use crate::driver::World;
use crate::events::{Publisher, Sink};

/// A shim that serves, a containerd that listens to its events, and a client.
pub(super) struct Shim {
    pub(super) folder: tempfile::TempDir,
    pub(super) engine: MemoryEngine,
    pub(super) host: MemoryHost,
    pub(super) client: Client,
    events: mpsc::UnboundedReceiver<String>,
    publisher: Publisher,
    service: Service<MemoryEngine, MemoryHost>,
    _servers: [Server; 2],
}

/// Containerd, as far as a shim sees it.
struct Listener(mpsc::UnboundedSender<String>);

#[async_trait::async_trait]
impl Events for Listener {
    async fn forward(
        &self,
        _ctx: &TtrpcContext,
        request: ForwardRequest,
    ) -> ttrpc::Result<containerd_shim_protos::api::Empty> {
        let _ = self.0.send(short(&request));
        Ok(containerd_shim_protos::api::Empty::default())
    }
}

/// `exit c1 5`, `exec-added c1/e`: an event in a few words.
fn short(request: &ForwardRequest) -> String {
    use containerd_shim_protos::events::task;
    use protobuf::Message as _;
    let bytes = &request.envelope.event.value;
    let topic = request.envelope.topic.trim_start_matches("/tasks/").to_owned();
    let rest = match topic.as_str() {
        "create" => task::TaskCreate::parse_from_bytes(bytes).unwrap().container_id,
        "start" => task::TaskStart::parse_from_bytes(bytes).unwrap().container_id,
        "exec-added" => {
            let event = task::TaskExecAdded::parse_from_bytes(bytes).unwrap();
            format!("{}/{}", event.container_id, event.exec_id)
        }
        "exec-started" => {
            let event = task::TaskExecStarted::parse_from_bytes(bytes).unwrap();
            format!("{}/{}", event.container_id, event.exec_id)
        }
        "exit" => {
            let event = task::TaskExit::parse_from_bytes(bytes).unwrap();
            format!("{}/{} {}", event.container_id, event.id, event.exit_status)
        }
        "delete" => {
            let event = task::TaskDelete::parse_from_bytes(bytes).unwrap();
            format!("{}/{} {}", event.container_id, event.id, event.exit_status)
        }
        _ => String::new(),
    };
    format!("{topic} {rest}").trim_end().to_owned()
}

impl Shim {
    pub(super) async fn standalone(id: &str) -> Self {
        Self::new(id, false, HostFacts::unix(4)).await
    }

    pub(super) async fn pod(id: &str) -> Self {
        Self::new(id, true, HostFacts::unix(4)).await
    }

    /// A pod on a Windows host.
    pub(super) async fn windows_pod(id: &str) -> Self {
        Self::new(id, true, HostFacts::windows(20348, 4, "C:\\")).await
    }

    async fn new(id: &str, is_sandbox: bool, facts: HostFacts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (told, events) = mpsc::unbounded_channel();
        let containerd = of_socket(&folder.path().join("containerd.sock"));
        let mut listener = Server::new()
            .bind(&containerd)
            .unwrap()
            .register_service(create_events(Arc::new(Listener(told))));
        listener.start().await.unwrap();

        let (engine, host) = (MemoryEngine::new(), MemoryHost::new());
        let world = World {
            engine: engine.clone(),
            host: host.clone(),
            facts,
            state: folder.path().to_owned(),
            namespace: "test".to_owned(),
        };
        let (publisher, _worker) = Publisher::new("test", Sink::choose(Some(&containerd), "", ""));
        let (id, socket) = (TaskId::new(id).unwrap(), folder.path().join("shim.sock"));
        let service =
            Service::new(id, is_sandbox, Arc::new(world), publisher.clone(), socket.clone());
        let address = of_socket(&socket);
        let mut server = Server::new().bind(&address).unwrap().register_service(services(&service));
        server.start().await.unwrap();
        let client = Client::connect(&address).await.unwrap();
        let servers = [server, listener];
        Self { folder, engine, host, client, events, publisher, service, _servers: servers }
    }

    /// How the service was asked to end, once it is.
    pub(super) async fn service_ended(&self) -> super::Ending {
        self.service.ended().await
    }

    /// Who runs a task's first process, by the spec that it was made from.
    pub(super) async fn user_of(&self, id: &str) -> String {
        let task = self.service.task(id).await.unwrap();
        task.spec().process.as_ref().unwrap().user.username.clone()
    }

    /// What the process does at last.
    pub(super) async fn end_all(&self) {
        self.service.end_all().await;
    }

    /// A bundle whose first process is `command_line`.
    pub(super) fn bundle(&self, id: &str, command_line: &str) -> PathBuf {
        self.bundle_with(id, command_line, &json!({}))
    }

    pub(super) fn bundle_with(
        &self,
        id: &str,
        command_line: &str,
        annotations: &serde_json::Value,
    ) -> PathBuf {
        let bundle = self.path(&format!("bundle-{id}"));
        let (layer, scratch) = (self.path("layer"), self.path(&format!("scratch-{id}")));
        for folder in [&bundle, &layer, &scratch] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let spec = json!({
            "ociVersion": "1.1.0",
            "process": { "commandLine": command_line, "cwd": "C:\\" },
            "annotations": annotations,
            "windows": { "layerFolders": [layer, scratch] },
        });
        std::fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
        bundle
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates a container without streams.
    pub(super) async fn create(&self, id: &str, command_line: &str) {
        let bundle = self.bundle(id, command_line);
        within(self.client.create(id, &bundle, &Stdio::default())).await.unwrap();
    }

    /// Creates and starts it.
    pub(super) async fn run(&self, id: &str, command_line: &str) {
        self.create(id, command_line).await;
        within(self.client.start_process(id, None)).await.unwrap();
    }

    /// Adds and starts an exec without streams.
    pub(super) async fn run_exec(&self, id: &str, exec: &str, command_line: &str) {
        let (process, stdio) = (process(command_line), Stdio::default());
        within(self.client.exec(id, exec, &process, &stdio)).await.unwrap();
        within(self.client.start_process(id, Some(exec))).await.unwrap();
    }

    /// The compute system behind a task.
    pub(super) async fn system(&self, id: &str) -> MemorySystem {
        self.engine.open(&SystemId::new(id).unwrap()).await.unwrap()
    }

    /// What has not been given back, but for scratches: they belong to whoever named them.
    pub(super) fn held(&self) -> Vec<Holding> {
        let mut held = self.host.held();
        held.retain(|holding| !matches!(holding, Holding::Scratch(_)));
        held
    }

    /// Every event so far, once all that were published have arrived.
    pub(super) async fn all_events(&mut self) -> Vec<String> {
        self.publisher.flush().await;
        let mut events = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        events
    }

    /// The next events.
    pub(super) async fn events(&mut self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(within(self.events.recv()).await.unwrap());
        }
        events
    }
}

/// A process for an exec.
pub(super) fn process(command_line: &str) -> Process {
    ProcessBuilder::default()
        .command_line(command_line)
        .args(Vec::new())
        .cwd("C:\\")
        .build()
        .unwrap()
}

pub(super) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(40), what).await.expect("it takes too long")
}

pub(super) fn fifo(path: &Path) -> String {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
    path.display().to_string()
}
