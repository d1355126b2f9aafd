//! The 30 s limits, untested in hcsshim: what takes too long is told so, and can be asked again. Time here
//! passes only when nothing else can happen.

use std::sync::Arc;
use std::time::Duration;

use containerd_shim_protos::api::CreateTaskRequest;
use engine::Engine as _;
use engine::memory::{Holding, MemoryEngine, MemoryHost, MemorySystem};
use lifecycle::Which;
use lifecycle::signals::Delivery;
use plan::HostFacts;
use schema::{SystemId, TaskId};
use serde_json::json;
use tokio::time::Instant;

use crate::driver::World;
use crate::events::{Publisher, Sink};
use crate::service::Service;

/// A service without a socket: nothing waits for the world outside.
struct Place {
    folder: tempfile::TempDir,
    engine: MemoryEngine,
    host: MemoryHost,
    service: Service<MemoryEngine, MemoryHost>,
}

impl Place {
    async fn with(command_line: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (engine, host) = (MemoryEngine::new(), MemoryHost::new());
        let world = World {
            engine: engine.clone(),
            host: host.clone(),
            facts: HostFacts::unix(2),
            state: folder.path().to_owned(),
            namespace: "test".to_owned(),
        };
        let (publisher, _) = Publisher::new("test", Sink::Nowhere);
        let id = TaskId::new("c1").unwrap();
        let socket = folder.path().join("sock");
        let service = Service::new(id, false, Arc::new(world), publisher, socket);
        let place = Self { folder, engine, host, service };
        place.create(command_line).await;
        place
    }

    async fn create(&self, command_line: &str) {
        let path = |name: &str| {
            let path = self.folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let spec = json!({
            "process": { "commandLine": command_line, "cwd": "C:\\" },
            "windows": { "layerFolders": [path("layer"), path("scratch")] },
        });
        let bundle = path("bundle");
        std::fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
        let bundle = bundle.display().to_string();
        let request = CreateTaskRequest { id: "c1".into(), bundle, ..CreateTaskRequest::default() };
        self.service.create(request).await.unwrap();
    }

    /// Something that nobody started through the shim, and that ignores a shutdown.
    async fn run_stubborn(&self) -> (MemorySystem, impl Sized + use<>) {
        let system = self.engine.open(&SystemId::new("c1").unwrap()).await.unwrap();
        let stubborn = schema::process::ProcessParameters {
            command_line: "stubborn".to_owned(),
            ..Default::default()
        };
        let beside = engine::System::spawn(&system, &stubborn).await.unwrap();
        (system, beside)
    }

    async fn kill(&self) {
        let task = self.service.task("c1").await.unwrap();
        task.kill(Which::Init, Ok(Delivery::Terminate), false).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_what_cannot_be_ended_is_given_up_and_may_be_repeated() {
    let place = Place::with("wait").await;
    let task = place.service.task("c1").await.unwrap();
    task.start(Which::Init).await.unwrap();
    let (system, _beside) = place.run_stubborn().await;
    system.keep_from_ending(true);
    place.kill().await;
    let asked = Instant::now();
    let late = place.service.delete_process("c1", "").await.unwrap_err();
    assert_eq!(late.to_string(), "timed out waiting for container resource cleanup");
    assert_eq!(asked.elapsed().as_secs(), 30);
    assert!(place.host.held().iter().any(|held| matches!(held, Holding::Mount(_))));
    system.keep_from_ending(false);
    let exit = place.service.delete_process("c1", "").await.unwrap();
    assert_eq!(exit.code.0, 1067);
    assert!(!place.host.held().iter().any(|held| matches!(held, Holding::Mount(_))));
}

/// One that never started does not take the patience of one that runs.
#[tokio::test(start_paused = true)]
async fn a_container_that_never_started_is_gone_at_once() {
    let place = Place::with("wait").await;
    let asked = Instant::now();
    let exit = place.service.delete_process("c1", "").await.unwrap();
    assert_eq!(exit.code.0, 0);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}

/// Whoever ended by itself leaves the others 30 s for their shutdown.
#[tokio::test(start_paused = true)]
async fn what_runs_beside_the_first_process_has_30_seconds_to_end() {
    let place = Place::with("wait").await;
    let task = place.service.task("c1").await.unwrap();
    task.start(Which::Init).await.unwrap();
    let (_system, _beside) = place.run_stubborn().await;
    let event = schema::process::ControlEvent::CtrlShutdown;
    task.kill(Which::Init, Ok(Delivery::Control(event)), false).await.unwrap();
    let asked = Instant::now();
    task.wait(Which::Init).await.unwrap();
    assert_eq!(asked.elapsed().as_secs(), 30);
}
