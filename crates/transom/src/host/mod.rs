//! This host: everything that a command needs to reach.

pub mod drive;
pub mod failure;
pub mod given;
pub mod process;
pub mod remove;
pub mod silo;
pub mod sweep;
pub mod volumes;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::os::process::{PRIVILEGE, is_privileged};
use engine::platform::{Platform, Step};
use engine::{HostEngine, Networks};

use crate::attach::client::Connection;
use crate::events::Events;
use crate::paths::Dirs;
use crate::store::volumes::Volumes;
use crate::store::{Found, Lock, Store};

/// The namespace that Transom's own containers have among a shim's.
pub const NAMESPACE: &str = "transom";
/// The Windows program that lives in every container.
pub const GUEST: &str = "transom-guest.exe";

/// This host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Where things are.
    pub dirs: Dirs,
    /// Containers.
    pub store: Store,
    /// Volumes.
    pub volumes: Volumes,
    /// What happened.
    pub events: Events,
    /// Storage and compute systems.
    pub engine: HostEngine,
    /// Networks.
    pub networks: Networks,
}

impl Host {
    /// As the environment says.
    pub fn open() -> Result<Self> {
        if !is_privileged() {
            bail!("permission denied: Transom needs {PRIVILEGE}");
        }
        let dirs = Dirs::from_env()?;
        let store = Store::open(&dirs)?;
        let volumes = Volumes::new(dirs.volumes());
        let events = Events::new(dirs.events());
        let engine = HostEngine::from_env();
        let networks = Networks::new(&dirs.root, &dirs.state);
        Ok(Self { dirs, store, volumes, events, engine, networks })
    }

    /// The platform layer, built now if there is none.
    pub async fn platform(&self) -> Result<Platform> {
        let (root, guest) = (self.dirs.root.clone(), Dirs::helper(GUEST)?);
        let tell = |step: Step| eprintln!("transom: {step}");
        let build = tokio::task::spawn_blocking(move || Platform::ensure_with(&root, &guest, tell));
        build.await.context("building the platform layer")?.context("building the platform layer")
    }

    /// The images of this host.
    pub async fn images(&self) -> Result<image::Store> {
        image::Store::open(&self.dirs.root).await.context("opening the images")
    }

    /// A container, with what a killed monitor left given back.
    pub async fn find(&self, wanted: &str) -> Result<Found> {
        let found = self.store.find(wanted)?;
        self.settled(found).await
    }

    /// All containers likewise, the newest first. What is wrong with one is said, and keeps nobody
    /// from the others.
    pub async fn list(&self) -> Result<Vec<Found>> {
        self.list_telling(|error| eprintln!("transom: {error:#}")).await
    }

    /// The same for who has other ways to say it.
    pub async fn list_telling(&self, tell: impl Fn(anyhow::Error)) -> Result<Vec<Found>> {
        self.sweep_telling(&tell).await?;
        let (all, broken) = self.store.list()?;
        broken.into_iter().for_each(&tell);
        let mut settled = Vec::new();
        for found in all {
            let as_it_stands = found.clone();
            match self.settled(found).await {
                Ok(found) => settled.push(found),
                // It was removed meanwhile.
                Err(_) if !as_it_stands.folder.exists() => {}
                Err(error) => {
                    tell(error);
                    settled.push(as_it_stands);
                }
            }
        }
        Ok(settled)
    }

    /// Removes what killed processes have left of containers that nobody sees.
    pub async fn sweep(&self) -> Result<()> {
        self.sweep_telling(&|error| eprintln!("transom: {error:#}")).await
    }

    async fn sweep_telling(&self, tell: &impl Fn(anyhow::Error)) -> Result<()> {
        for folder in self.store.hidden()? {
            sweep::hidden(self, &folder).await.unwrap_or_else(tell);
        }
        let (store, volumes) = (self.store.clone(), self.volumes.clone());
        let swept = move || [store.sweep(), volumes.sweep()];
        for swept in tokio::task::spawn_blocking(swept).await? {
            swept.unwrap_or_else(tell);
        }
        sweep::leases(self).await.unwrap_or_else(tell);
        Ok(())
    }

    async fn settled(&self, found: Found) -> Result<Found> {
        if !found.is_orphan() {
            return Ok(found);
        }
        let id = found.record.id.clone();
        match Box::pin(sweep::orphan(self, found)).await {
            // Somebody else has removed it meanwhile.
            Err(_) if !self.store.folder(&id).exists() => {}
            other => other?,
        }
        self.store.load(&id)
    }

    /// A connection to the container's monitor; `None` when it has none.
    pub async fn monitor(&self, id: &str) -> Result<Option<Connection>> {
        Connection::open(&self.dirs.monitors(), id).await
    }

    /// Takes a container that has ended. Its monitor may still be on its way out.
    pub async fn lock(&self, found: &Found) -> Result<Lock> {
        let folder = found.folder.clone();
        let waiting = tokio::task::spawn_blocking(move || folder.lock());
        match tokio::time::timeout(Duration::from_secs(30), waiting).await {
            Ok(lock) => lock.context("waiting for the container's monitor")?,
            Err(_) => bail!("the monitor of container {} does not let go", found.record.short_id()),
        }
    }
}
