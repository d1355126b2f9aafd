//! The container of one run: each step of its life a method, and giving back what they took.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::network::EndpointRequest;
use engine::system::Reader;
use engine::{Engine, Process, System};
use plan::oci::{Network, Process as SpecProcess, User, Windows};
use plan::{ContainerRequest, Plan, Spec, Streams};
use resources::{Held, Host, HostFiles};
use schema::{ExitCode, SystemId};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Executor, Finished, Meta, NetMode, Output, Place, RunError};

/// Who creates compute systems, as they are listed.
const OWNER: &str = "transom-build";
/// How long a killed process, or a container that shuts down, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a process ended from outside ends with: Windows' `ERROR_PROCESS_ABORTED`.
const ABORTED: ExitCode = ExitCode(1067);

type Result<T> = std::result::Result<T, RunError>;

pub(super) struct Container<'a, E: Engine, H: Host> {
    executor: &'a Executor<E, H>,
    id: SystemId,
    place: Place,
    layers: Vec<PathBuf>,
    namespace: Option<String>,
    held: Option<Held>,
    system: Option<E::System>,
}

impl<'a, E: Engine, H: Host> Container<'a, E, H> {
    pub(super) fn begin(executor: &'a Executor<E, H>, layers: &[PathBuf]) -> Result<Self> {
        let name = format!("build-{}", uuid::Uuid::new_v4().simple());
        let place = Place::make(&executor.folder, &name).map_err(RunError::io(&executor.folder))?;
        Ok(Self {
            executor,
            id: SystemId::new(&name).expect("a name of letters, digits and dashes is an id"),
            place,
            layers: layers.to_vec(),
            namespace: None,
            held: None,
            system: None,
        })
    }

    pub(super) async fn life(
        &mut self,
        meta: &Meta,
        output: Arc<dyn Output>,
        cancel: watch::Receiver<bool>,
    ) -> Result<()> {
        self.scratch().await?;
        self.network(meta.network).await?;
        let plan = self.plan(meta)?;
        let system = self.create(&plan).await?;
        system.start().await?;
        let (process, stdio) = system.spawn(&plan.process.unwrap_or_default()).await?;
        let mut copies = JoinSet::new();
        for (stderr, reader) in [(false, stdio.stdout), (true, stdio.stderr)] {
            if let Some(reader) = reader {
                copies.spawn(copy(reader, stderr, Arc::clone(&output)));
            }
        }
        let code = ended(&process, cancel).await;
        // A process left behind in the container may keep a stream open; it ends with it.
        let drained = async { while copies.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(PATIENCE, drained).await;
        accept(code?, &meta.valid_exit_codes)
    }

    async fn scratch(&self) -> Result<()> {
        let scratch = self.place.path.join("scratch");
        Ok(self.executor.host.create_scratch(&scratch, &self.layers, None).await?)
    }

    async fn network(&mut self, mode: NetMode) -> Result<()> {
        let (host, name) = (&self.executor.host, self.id.to_string());
        host.create_namespace(&name).await?;
        self.namespace = Some(name.clone());
        if mode == NetMode::Default {
            let endpoint = EndpointRequest {
                network: "nat".to_owned(),
                container_id: name.clone(),
                ..EndpointRequest::default()
            };
            host.attach(&name, &endpoint).await?;
        }
        Ok(())
    }

    fn plan(&self, meta: &Meta) -> Result<Plan> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut folders: Vec<String> = self.layers.iter().map(text).collect();
        folders.push(text(&self.place.path.join("scratch")));
        let network = Network { network_namespace: self.id.to_string(), ..Network::default() };
        let spec = Spec {
            oci_version: "1.1.0".to_owned(),
            hostname: "buildkitsandbox".to_owned(),
            process: Some(SpecProcess {
                user: User { username: meta.user.clone(), ..User::default() },
                args: meta.args.clone(),
                command_line: meta.command_line.clone(),
                env: meta.env.clone(),
                cwd: meta.cwd.clone(),
                ..SpecProcess::default()
            }),
            windows: Some(Windows {
                layer_folders: Some(folders),
                network: Some(network),
                ..Windows::default()
            }),
            ..Spec::default()
        };
        let streams = Streams { stdin: false, stdout: true, stderr: true };
        let request = ContainerRequest::new(self.id.clone(), OWNER, spec).stdio(streams);
        Ok(plan::container(&request, &resources::facts(), &HostFiles)?)
    }

    async fn create(&mut self, plan: &Plan) -> Result<E::System> {
        let ledger = self.place.path.join("ledger");
        let (held, document) = Held::acquire(plan, &self.executor.host, &ledger).await?;
        self.held = Some(held);
        let system = self.executor.engine.create(&self.id, &document).await?;
        self.system = Some(system.clone());
        Ok(system)
    }

    /// Ends what runs and gives back what it stood on. What fails is told; the rest is still done.
    pub(super) async fn give_back(&mut self) -> Result<()> {
        let mut first = Ok(());
        if let Some(system) = self.system.take() {
            first = first.and(end(&system).await);
        }
        if let Some(held) = self.held.take() {
            let released = held.release(&self.executor.host).await;
            first = first.and(released.map_err(RunError::from));
        }
        if let Some(name) = self.namespace.take() {
            let deleted = self.executor.host.delete_namespace(&name).await;
            first = first.and(deleted.map_err(RunError::from));
        }
        first
    }

    pub(super) fn finish(self) -> Finished {
        Finished { place: self.place }
    }
}

/// Waits for the end of a process. It is killed once when that is asked for; an end with any code
/// is then the end.
async fn ended<P: Process>(process: &P, mut cancel: watch::Receiver<bool>) -> Result<ExitCode> {
    let asked = async {
        // Whoever could have asked is gone: nobody will.
        if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        code = process.wait() => return Ok(code),
        () = asked => {}
    }
    process.terminate(ABORTED).await?;
    match tokio::time::timeout(PATIENCE, process.wait()).await {
        Ok(_) => Err(RunError::Cancelled),
        Err(_) => Err(RunError::Unkillable(PATIENCE)),
    }
}

fn accept(code: ExitCode, valid: &[u32]) -> Result<()> {
    let good = if valid.is_empty() { code.0 == 0 } else { valid.contains(&code.0) };
    if good { Ok(()) } else { Err(RunError::Exit(code.0)) }
}

async fn copy(mut reader: Reader, stderr: bool, output: Arc<dyn Output>) {
    let mut buffer = vec![0; 16 << 10];
    // A stream that breaks has ended: how the process did is told by its exit code.
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        output.write(stderr, &buffer[..read]);
    }
}

/// Gently first, so that what is still in memory, as the registry is, comes to the scratch.
async fn end(system: &impl System) -> Result<()> {
    if system.shutdown().await.is_ok()
        && tokio::time::timeout(PATIENCE, system.wait()).await.is_ok()
    {
        return Ok(());
    }
    Ok(system.terminate().await?)
}
