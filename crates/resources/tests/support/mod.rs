//! What the tests of this crate share: a spec with everything in it, and a host that fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::memory::MemoryHost;
use engine::network::{Endpoint, EndpointRequest};
use engine::storage::Mounted;
use engine::{Credentials, EngineError, ErrorKind, Network, Op, Result, Storage};
use plan::{ContainerRequest, HostFacts, Plan, Spec};
use resources::HostFiles;
use schema::SystemId;
use schema::container::CredentialGuard;
use schema::names::Names;
use serde_json::json;

/// A plan that names everything a process isolated container can stand on.
pub(crate) fn everything(folder: &Path) -> Plan {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let spec = json!({
        "ociVersion": "1.1.0",
        "process": {"args": ["cmd", "/c", "ver"], "cwd": "C:\\", "user": {}},
        "hostname": "web-0",
        "mounts": [
            {"source": data, "destination": "C:\\data", "options": ["RO"]},
            {"source": "sandbox://shared/logs", "destination": "C:\\shared"},
            {"source": "\\\\.\\pipe\\docker_engine", "destination": "\\\\.\\pipe\\docker_engine"},
        ],
        "windows": {
            "layerFolders": [folder.join("top"), folder.join("base"), folder.join("scratch")],
            "credentialSpec": "{\"CmsPlugins\":[\"ActiveDirectory\"]}",
            "network": {"endpointList": ["nat", "backend"], "DNSSearchList": ["a.local", "b.local"]},
            "resources": {
                "cpu": {"maximum": 5000},
                "memory": {"limit": 536_870_912_u64},
                "storage": {"iops": 500, "bps": 1_048_576, "sandboxSize": 1_073_741_824_u64},
            },
        },
    });
    let spec = Spec::from_value(spec).unwrap();
    let mut request = ContainerRequest::new(SystemId::new("web").unwrap(), "test", spec);
    request.sandbox_folder = Some(folder.join("sandbox").to_str().unwrap().to_owned());
    plan::container(&request, &HostFacts::unix(4), &HostFiles).unwrap()
}

/// The in-memory host, but its n-th call fails.
#[derive(Debug, Clone)]
pub(crate) struct Failing {
    /// What does the work.
    pub(crate) inner: MemoryHost,
    calls: Arc<AtomicUsize>,
    fails: usize,
}

impl Failing {
    /// Fails the `fails`-th call, counted from one.
    pub(crate) fn on_call(fails: usize) -> Self {
        Self { inner: MemoryHost::new(), calls: Arc::default(), fails }
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn count(&self, op: Op) -> Result<()> {
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.fails {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(EngineError::new(op, "web", ErrorKind::io("told to fail", source)));
        }
        Ok(())
    }
}

impl Storage for Failing {
    async fn create_scratch(&self, s: &Path, l: &[PathBuf], size: Option<u64>) -> Result<()> {
        self.count(Op::Storage)?;
        self.inner.create_scratch(s, l, size).await
    }

    async fn mount(&self, id: &SystemId, s: &Path, l: &[PathBuf]) -> Result<Mounted> {
        self.count(Op::Storage)?;
        self.inner.mount(id, s, l).await
    }

    async fn unmount(&self, s: &Path) -> Result<()> {
        self.count(Op::Storage)?;
        self.inner.unmount(s).await
    }

    async fn destroy_scratch(&self, s: &Path) -> Result<()> {
        self.count(Op::Storage)?;
        self.inner.destroy_scratch(s).await
    }
}

impl Network for Failing {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        self.count(Op::Network)?;
        self.inner.create_namespace(name).await
    }

    async fn adopt_namespace(&self, name: &str, path: &Path) -> Result<()> {
        self.count(Op::Network)?;
        self.inner.adopt_namespace(name, path).await
    }

    async fn set_names(&self, namespace: &str, names: &Names) -> Result<()> {
        self.count(Op::Network)?;
        self.inner.set_names(namespace, names).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        self.count(Op::Network)?;
        self.inner.delete_namespace(name).await
    }

    async fn list_namespaces(&self) -> Result<Vec<String>> {
        self.inner.list_namespaces().await
    }

    async fn attach(&self, name: &str, endpoint: &EndpointRequest) -> Result<Endpoint> {
        self.count(Op::Network)?;
        self.inner.attach(name, endpoint).await
    }

    async fn detach(&self, name: &str, network: &str) -> Result<()> {
        self.count(Op::Network)?;
        self.inner.detach(name, network).await
    }
}

impl Credentials for Failing {
    async fn add(&self, id: &SystemId, spec: &str) -> Result<CredentialGuard> {
        self.count(Op::Credentials)?;
        self.inner.add(id, spec).await
    }

    async fn remove(&self, id: &SystemId) -> Result<()> {
        self.count(Op::Credentials)?;
        self.inner.remove(id).await
    }
}
