//! This host: the engine's storage and credentials, and its networks, as one.

use std::path::{Path, PathBuf};

use engine::network::{Endpoint, EndpointRequest};
use engine::storage::Mounted;
use engine::{Credentials, HostEngine, Network, Networks, Result, Storage};
use schema::SystemId;
use schema::container::CredentialGuard;
use schema::names::Names;

/// What containers stand on, on this host.
#[derive(Debug, Clone)]
pub struct ThisHost {
    engine: HostEngine,
    networks: Networks,
}

/// The engine and the host of the installation that the environment names.
pub fn this_host() -> (HostEngine, ThisHost) {
    let engine = HostEngine::from_env();
    (engine.clone(), ThisHost::of(engine))
}

impl ThisHost {
    /// The host of an engine's installation.
    pub fn of(engine: HostEngine) -> Self {
        let networks = Networks::new(&engine.config().root, &engine.config().state);
        Self { engine, networks }
    }
}

impl Storage for ThisHost {
    async fn create_scratch(
        &self,
        scratch: &Path,
        layers: &[PathBuf],
        size: Option<u64>,
    ) -> Result<()> {
        self.engine.create_scratch(scratch, layers, size).await
    }

    async fn mount(
        &self,
        system: &SystemId,
        scratch: &Path,
        layers: &[PathBuf],
    ) -> Result<Mounted> {
        self.engine.mount(system, scratch, layers).await
    }

    async fn unmount(&self, scratch: &Path) -> Result<()> {
        self.engine.unmount(scratch).await
    }

    async fn destroy_scratch(&self, scratch: &Path) -> Result<()> {
        self.engine.destroy_scratch(scratch).await
    }
}

impl Network for ThisHost {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        self.networks.create_namespace(name).await
    }

    async fn adopt_namespace(&self, name: &str, path: &Path) -> Result<()> {
        self.networks.adopt_namespace(name, path).await
    }

    async fn set_names(&self, namespace: &str, names: &Names) -> Result<()> {
        self.networks.set_names(namespace, names).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        self.networks.delete_namespace(name).await
    }

    async fn list_namespaces(&self) -> Result<Vec<String>> {
        self.networks.list_namespaces().await
    }

    async fn attach(&self, namespace: &str, endpoint: &EndpointRequest) -> Result<Endpoint> {
        self.networks.attach(namespace, endpoint).await
    }

    async fn detach(&self, namespace: &str, network: &str) -> Result<()> {
        self.networks.detach(namespace, network).await
    }
}

impl Credentials for ThisHost {
    async fn add(&self, system: &SystemId, credential_spec: &str) -> Result<CredentialGuard> {
        self.engine.add(system, credential_spec).await
    }

    async fn remove(&self, system: &SystemId) -> Result<()> {
        self.engine.remove(system).await
    }
}
