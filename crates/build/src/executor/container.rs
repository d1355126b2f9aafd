//! The container of one run: each step of its life a method, and giving back what they took.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::network::EndpointRequest;
use engine::{Engine, System};
use plan::oci::{Network, Windows};
use plan::{ContainerRequest, Plan, Spec};
use resources::{Held, Host, HostFiles};
use schema::SystemId;
use schema::document::ComputeSystem;
use tokio::sync::watch;

use super::process::{self, PATIENCE};
use super::running::{Entry, Started, Up};
use super::stubs::Stubs;
use super::usage::{self, Usage};
use super::{Executor, Finished, Meta, Mount, NetMode, Place, Process, RunError, RunId};
use crate::files;
use crate::view::View;

/// Who creates compute systems, as they are listed.
const OWNER: &str = "transom-build";
const HOST_NAME: &str = "buildkitsandbox";
/// How long the account's registry may take to be written, and what runs inside to end.
const SHUTDOWN: Duration = PATIENCE;

type Result<T> = std::result::Result<T, RunError>;

pub(super) struct Container<'a, E: Engine, H: Host> {
    executor: &'a Executor<E, H>,
    id: SystemId,
    place: Place,
    layers: Vec<PathBuf>,
    mounts: Vec<Mount>,
    stubs: Stubs,
    namespace: Option<String>,
    held: Option<Held>,
    system: Option<E::System>,
    usage: Usage,
}

impl<'a, E: Engine, H: Host> Container<'a, E, H> {
    pub(super) fn begin(
        executor: &'a Executor<E, H>,
        id: &RunId,
        layers: Vec<PathBuf>,
        mounts: Vec<Mount>,
    ) -> Result<Self> {
        let name = format!("build-{id}");
        // Another process may have a run of this id.
        let place = Place::make(&executor.folder, &name).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RunError::InUse(id.clone()),
            _ => RunError::io(&executor.folder)(error),
        })?;
        Ok(Self {
            executor,
            id: SystemId::new(&name).expect("a name of letters, digits and dashes is an id"),
            place,
            layers,
            mounts,
            stubs: Stubs::default(),
            namespace: None,
            held: None,
            system: None,
            usage: Usage::default(),
        })
    }

    pub(super) async fn life(
        &mut self,
        process: Process,
        started: &mut Started,
        entry: &Entry<E::System>,
        cancel: watch::Receiver<bool>,
    ) -> Result<()> {
        self.network(process.meta.network).await?;
        let first = process.to_spec();
        let plan = self.plan(&process)?;
        let document = self.acquire(&plan).await?;
        // What a step wrote becomes a layer, or nothing. An engine without a host has no folder.
        let _ = std::fs::write(self.place.path.join("scratch").join(engine::PASSING), "");
        self.prepare_drive(&process.meta)?;
        let system = self.executor.engine.create(&self.id, &document).await?;
        self.system = Some(system.clone());
        if *cancel.borrow() {
            return Err(RunError::NotStarted);
        }
        system.start().await?;
        entry.up(Up { system: system.clone(), process: first });
        let parameters = plan.process.unwrap_or_default();
        let run = process::run(&system, &parameters, process, started, cancel);
        usage::record(&system, &mut self.usage, run).await
    }

    /// The drive as the layers and the platform make it.
    fn drive(&self) -> View {
        let mut folders: Vec<PathBuf> = self.layers.iter().map(|layer| layer.join("fs")).collect();
        let base = folders.pop();
        folders.push(self.executor.drive.clone());
        folders.extend(base);
        // An engine without a host has none of them.
        folders.retain(|folder| folder.is_dir());
        View::drive(folders)
    }

    /// The working directory is made when it is not there, and mount points are noted.
    fn prepare_drive(&mut self, meta: &Meta) -> Result<()> {
        let drive = self.drive();
        let destinations = self.mounts.iter().map(|mount| mount.destination.as_str());
        self.stubs =
            Stubs::missing(&drive, destinations).map_err(RunError::io(&self.executor.drive))?;
        let upper = self.place.path.join("scratch/upper");
        if meta.cwd.is_empty() || !upper.is_dir() {
            return Ok(());
        }
        let failed = |source| RunError::WorkingDirectory { path: meta.cwd.clone(), source };
        let path =
            crate::paths::join("", &meta.cwd, false).map_err(|error| failed(error.into()))?;
        match drive.find(&path) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => files::make(&drive, &upper, &path).map(drop).map_err(failed),
            Err(error) => Err(RunError::io(path)(error)),
        }
    }

    async fn network(&mut self, mode: NetMode) -> Result<()> {
        let (host, name) = (&self.executor.host, self.id.to_string());
        if mode == NetMode::Host {
            return Err(RunError::Network("HOST"));
        }
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

    fn plan(&self, process: &Process) -> Result<Plan> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut folders: Vec<String> = self.layers.iter().map(|layer| text(layer)).collect();
        folders.push(text(&self.place.path.join("scratch")));
        let network = Network { network_namespace: self.id.to_string(), ..Network::default() };
        let asked = process.meta.hostname.as_str();
        let spec = Spec {
            oci_version: "1.1.0".to_owned(),
            hostname: if asked.is_empty() { HOST_NAME } else { asked }.to_owned(),
            process: Some(process.to_spec()),
            mounts: self.mounts.iter().map(Mount::to_spec).collect(),
            windows: Some(Windows {
                layer_folders: Some(folders),
                network: Some(network),
                ..Windows::default()
            }),
            ..Spec::default()
        };
        let request = ContainerRequest::new(self.id.clone(), OWNER, spec).stdio(process.streams());
        Ok(plan::container(&request, &resources::facts(), &HostFiles)?)
    }

    /// The scratch among it.
    async fn acquire(&mut self, plan: &Plan) -> Result<ComputeSystem> {
        let ledger = self.place.path.join("ledger");
        let (held, document) = Held::acquire(plan, &self.executor.host, &ledger).await?;
        self.held = Some(held);
        Ok(document)
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
        let upper = self.place.path.join("scratch/upper");
        if upper.is_dir() {
            first = first.and(self.stubs.remove(&upper).map_err(RunError::io(upper)));
        }
        first
    }

    pub(super) fn finish(self) -> Finished {
        Finished { place: self.place, usage: self.usage }
    }
}

/// Gently first, so that what is still in memory, as the registry is, comes to the scratch.
async fn end(system: &impl System) -> Result<()> {
    if system.shutdown().await.is_ok()
        && tokio::time::timeout(SHUTDOWN, system.wait()).await.is_ok()
    {
        return Ok(());
    }
    Ok(system.terminate().await?)
}
