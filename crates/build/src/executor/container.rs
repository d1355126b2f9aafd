//! The container of one run: each step of its life a method, and giving back what they took.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::network::EndpointRequest;
use engine::{Engine, System};
use plan::oci::{Network, Windows};
use plan::{ContainerRequest, Plan, Spec};
use resources::{Held, Host, HostFiles};
use schema::SystemId;
use schema::document::ComputeSystem;
use schema::names::Names;
use tokio::sync::watch;

use super::drive::Drive;
use super::process::{self, PATIENCE};
use super::running::{Entry, Started, Up};
use super::stubs::Stubs;
use super::usage::{self, Usage};
use super::{
    Executor, Finished, HostAddress, Leaving, Meta, Mount, NetMode, Place, Process, RunError, RunId,
};

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
    leaving: Option<Leaving>,
}

/// What becomes of the scratch when a container has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scratch {
    /// What is still in memory, as the registry is, has to come to it.
    Kept,
    Discarded,
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
            leaving: None,
        })
    }

    pub(super) async fn life(
        &mut self,
        process: Process,
        started: &mut Started,
        entry: &Entry<E::System>,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<()> {
        let (executor, mode) = (self.executor, process.meta.network);
        let first = process.to_spec();
        let plan = self.plan(&process)?;
        self.namespace(mode).await?;
        // Plugins take about as long as a container to boot, which needs its endpoints when it is
        // started. Both are let come to their end: a future that is dropped gives nothing back.
        let name = self.id.clone();
        let attaching = attach(&*executor.host, name.as_str(), &process.meta);
        let (attached, booted) = tokio::join!(attaching, self.boot(&plan, &process.meta));
        attached?;
        let system = booted?;
        if *cancel.borrow() {
            return Err(RunError::NotStarted);
        }
        system.start().await?;
        entry.up(Up { system: system.clone(), process: first });
        let parameters = plan.process.unwrap_or_default();
        let cancelled = process::asked(&mut cancel);
        let run = process::run(&system, &parameters, process, started, cancelled);
        usage::record(&system, &mut self.usage, run).await
    }

    async fn boot(&mut self, plan: &Plan, meta: &Meta) -> Result<E::System> {
        let document = self.acquire(plan).await?;
        // What a step wrote becomes a layer, or nothing. An engine without a host has no folder.
        let passing = self.place.path.join("scratch").join(engine::PASSING);
        let _ = tokio::fs::write(passing, "").await;
        self.prepare_drive(meta).await?;
        let system = self.executor.engine.create(&self.id, &document).await?;
        self.system = Some(system.clone());
        let (stubs, upper) = (std::mem::take(&mut self.stubs), self.upper());
        self.stubs = crate::blocking(move || stubs.noted(&upper)).await?;
        Ok(system)
    }

    /// The working directory is made when it is not there, and mount points are noted.
    async fn prepare_drive(&mut self, meta: &Meta) -> Result<()> {
        let drive = Drive {
            layers: self.layers.clone(),
            platform: self.executor.drive.clone(),
            upper: self.upper(),
        };
        let cwd = meta.cwd.clone();
        let destinations: Vec<String> =
            self.mounts.iter().map(|mount| mount.destination.clone()).collect();
        self.stubs = crate::blocking(move || drive.prepare(&cwd, &destinations)).await?;
        Ok(())
    }

    fn upper(&self) -> PathBuf {
        self.place.path.join("scratch/upper")
    }

    async fn namespace(&mut self, mode: NetMode) -> Result<()> {
        if mode == NetMode::Host {
            return Err(RunError::Network("HOST"));
        }
        let name = self.id.to_string();
        self.executor.host.create_namespace(&name).await?;
        self.namespace = Some(name);
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
        let (held, document) = Held::acquire(plan, &*self.executor.host, &ledger).await?;
        self.held = Some(held);
        Ok(document)
    }

    /// Ends what runs and gives back what it stood on. What fails is told; the rest is still done.
    /// The network, which nothing needs any more, goes meanwhile and may take longer.
    pub(super) async fn give_back(&mut self, needed: Scratch) -> Result<()> {
        self.leaving = self.namespace.take().map(|name| {
            let host = Arc::clone(&self.executor.host);
            tokio::spawn(async move { host.delete_namespace(&name).await })
        });
        let mut first = Ok(());
        if let Some(system) = self.system.take() {
            first = first.and(match needed {
                Scratch::Kept => end(&system).await,
                Scratch::Discarded => system.terminate().await.map_err(RunError::from),
            });
        }
        if let Some(held) = self.held.take() {
            let released = held.release(&*self.executor.host).await;
            first = first.and(released.map_err(RunError::from));
        }
        let (stubs, upper) = (std::mem::take(&mut self.stubs), self.upper());
        first.and(crate::blocking(move || stubs.remove(&upper)).await)
    }

    pub(super) fn finish(self) -> Finished {
        Finished { place: self.place, usage: self.usage, leaving: self.leaving }
    }
}

/// Connects a namespace to what it was asked to be connected to.
async fn attach(host: &impl Host, namespace: &str, meta: &Meta) -> Result<()> {
    let mut gateway = None;
    if meta.network == NetMode::Default {
        let endpoint = EndpointRequest {
            network: "nat".to_owned(),
            container_id: namespace.to_owned(),
            ..EndpointRequest::default()
        };
        gateway = host.attach(namespace, &endpoint).await?.gateway;
    }
    if !meta.hosts.is_empty() {
        let hosts = addresses(&meta.hosts, meta.network, gateway)?;
        let names = Names { hosts, ..Names::default() };
        host.set_names(namespace, &names).await?;
    }
    Ok(())
}

/// The addresses of names; a later one of the same name wins. Without a network the host has none.
fn addresses(
    hosts: &[(String, HostAddress)],
    network: NetMode,
    gateway: Option<IpAddr>,
) -> Result<BTreeMap<String, IpAddr>> {
    let mut addresses = BTreeMap::new();
    for (name, address) in hosts {
        let known = match address {
            HostAddress::Fixed(address) => Some(*address),
            HostAddress::Gateway if network == NetMode::None => continue,
            HostAddress::Gateway => gateway,
        };
        let known = known.ok_or_else(|| RunError::NoGateway(name.clone()))?;
        addresses.insert(name.clone(), known);
    }
    Ok(addresses)
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
