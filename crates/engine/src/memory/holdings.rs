//! Storage, networks and credentials without a host: a list of what is held.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use schema::SystemId;
use schema::container::{CredentialGuard, Layer};
use schema::names::Names;

use crate::network::{Endpoint, EndpointRequest};
use crate::storage::Mounted;
use crate::{Credentials, EngineError, ErrorKind, Network, Op, Result, Storage};

/// Something that is held and must be given back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holding {
    /// A scratch, by its folder.
    Scratch(PathBuf),
    /// A mounted scratch, by its folder.
    Mount(PathBuf),
    /// A namespace, by its name.
    Namespace(String),
    /// An endpoint: namespace and network.
    Endpoint(String, String),
    /// A credential guard instance, by its compute system.
    Credential(SystemId),
}

/// Storage, networks and credentials in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryHost {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    held: BTreeSet<Holding>,
    failing: Option<Holding>,
}

impl MemoryHost {
    /// A host that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been acquired and not given back, in order.
    pub fn held(&self) -> Vec<Holding> {
        self.state().held.iter().cloned().collect()
    }

    /// Makes the next attempt to acquire `holding` fail.
    pub fn fail_on(&self, holding: Holding) {
        self.state().failing = Some(holding);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    fn take(&self, op: Op, id: impl ToString, holding: Holding) -> Result<()> {
        let mut state = self.state();
        if state.failing.as_ref() == Some(&holding) {
            state.failing = None;
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(EngineError::new(op, id, ErrorKind::io("told to fail", source)));
        }
        if !state.held.insert(holding) {
            return Err(EngineError::new(op, id, ErrorKind::AlreadyExists));
        }
        Ok(())
    }

    fn check_namespace(&self, name: &str) -> Result<()> {
        if self.state().held.contains(&Holding::Namespace(name.to_owned())) {
            return Ok(());
        }
        let kind = ErrorKind::NotFound("network namespace");
        Err(EngineError::new(Op::Network, name, kind))
    }

    fn give_back(&self, holding: &Holding) {
        self.state().held.remove(holding);
    }
}

impl Storage for MemoryHost {
    async fn create_scratch(
        &self,
        scratch: &Path,
        _layers: &[PathBuf],
        _size: Option<u64>,
    ) -> Result<()> {
        self.take(Op::Storage, scratch.display(), Holding::Scratch(scratch.to_owned()))
    }

    async fn mount(
        &self,
        _system: &SystemId,
        scratch: &Path,
        layers: &[PathBuf],
    ) -> Result<Mounted> {
        self.take(Op::Storage, scratch.display(), Holding::Mount(scratch.to_owned()))?;
        let layer = |path: &PathBuf| {
            let path = path.display().to_string();
            Layer { id: path.clone(), path }
        };
        Ok(Mounted {
            path: scratch.display().to_string(),
            layers: layers.iter().map(layer).collect(),
        })
    }

    async fn unmount(&self, scratch: &Path) -> Result<()> {
        self.give_back(&Holding::Mount(scratch.to_owned()));
        Ok(())
    }

    async fn destroy_scratch(&self, scratch: &Path) -> Result<()> {
        self.give_back(&Holding::Scratch(scratch.to_owned()));
        Ok(())
    }
}

impl Network for MemoryHost {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        self.take(Op::Network, name, Holding::Namespace(name.to_owned()))
    }

    async fn adopt_namespace(&self, name: &str, _path: &Path) -> Result<()> {
        self.take(Op::Network, name, Holding::Namespace(name.to_owned()))
    }

    async fn set_names(&self, namespace: &str, _names: &Names) -> Result<()> {
        self.check_namespace(namespace)
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        self.state().held.retain(|holding| match holding {
            Holding::Namespace(held) | Holding::Endpoint(held, _) => held != name,
            Holding::Scratch(_) | Holding::Mount(_) | Holding::Credential(_) => true,
        });
        Ok(())
    }

    async fn list_namespaces(&self) -> Result<Vec<String>> {
        let names = self.held().into_iter().filter_map(|holding| match holding {
            Holding::Namespace(name) => Some(name),
            Holding::Scratch(_)
            | Holding::Mount(_)
            | Holding::Endpoint(..)
            | Holding::Credential(_) => None,
        });
        Ok(names.collect())
    }

    async fn attach(&self, namespace: &str, endpoint: &EndpointRequest) -> Result<Endpoint> {
        self.check_namespace(namespace)?;
        let holding = Holding::Endpoint(namespace.to_owned(), endpoint.network.clone());
        self.take(Op::Network, namespace, holding)?;
        Ok(Endpoint {
            network: endpoint.network.clone(),
            ports: endpoint.ports.clone(),
            ..Endpoint::default()
        })
    }

    async fn detach(&self, namespace: &str, network: &str) -> Result<()> {
        self.give_back(&Holding::Endpoint(namespace.to_owned(), network.to_owned()));
        Ok(())
    }
}

impl Credentials for MemoryHost {
    async fn add(&self, system: &SystemId, credential_spec: &str) -> Result<CredentialGuard> {
        self.take(Op::Credentials, system, Holding::Credential(system.clone()))?;
        Ok(CredentialGuard {
            cookie: system.to_string(),
            credential_spec: credential_spec.to_owned(),
            ..CredentialGuard::default()
        })
    }

    async fn remove(&self, system: &SystemId) -> Result<()> {
        self.give_back(&Holding::Credential(system.clone()));
        Ok(())
    }
}
