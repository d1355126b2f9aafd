//! Network namespaces and endpoints, through `computenetwork.dll`.
//!
//! A namespace's name is its GUID; a name that is none stands for the GUID made from it. What a
//! namespace is attached to is a network of the host's by its name, and then an endpoint is made for it
//! ([`joined`]); or an endpoint by its id that somebody else made (a CNI plugin), which is only put into
//! the namespace.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use schema::names::Names;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::operation;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::network::{Definition, Endpoint, EndpointRequest, Network};

mod endpoint;
mod hcn;
mod joined;
mod known;

/// This host's networks.
#[derive(Debug, Clone)]
pub struct Networks;

impl Networks {
    /// The networks of this host, whatever the installation's directories are.
    pub fn new(_root: &Path, _state: &Path) -> Self {
        Self
    }

    /// Defines a network.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn define(&self, wanted: &Definition) -> Result<Definition> {
        let why = "make it with `New-HnsNetwork`, or let CNI plugins make it";
        refuse(&wanted.name, "making a network", why)
    }

    /// The networks of the host: Windows keeps them.
    pub async fn definitions(&self) -> Result<Vec<Definition>> {
        let all = on_network("every network", known::all).await?;
        Ok(all.into_iter().map(|(_, definition)| definition).collect())
    }

    /// Removes a network.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn undefine(&self, name: &str) -> Result<()> {
        refuse(name, "removing a network", "remove it with `Remove-HnsNetwork`")
    }

    /// The namespaces on a network that Transom defines: there is none.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn members(&self, _network: &str) -> Result<Vec<(String, Endpoint)>> {
        Ok(Vec::new())
    }

    /// The networks that a namespace is on, for the names in them, which Windows serves.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn memberships(&self, _namespace: &str) -> Result<Vec<Endpoint>> {
        Ok(Vec::new())
    }

    /// Gives a namespace another way out: Windows does it by itself.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn reroute(&self, _namespace: &str) -> Result<()> {
        Ok(())
    }

    /// Listens inside a namespace.
    #[expect(clippy::unused_async, reason = "the same on every OS")]
    pub async fn listen_inside(
        &self,
        namespace: &str,
        _address: SocketAddr,
    ) -> Result<(UdpSocket, TcpListener)> {
        refuse(namespace, "listening inside a namespace", "Windows serves containers' names")
    }
}

fn refuse<T>(name: &str, what: &str, why: &str) -> Result<T> {
    let kind = ErrorKind::Unsupported { what: what.into(), why: why.into() };
    Err(EngineError::new(Op::Network, name, kind))
}

/// `HostComputeNamespace`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    #[serde(rename = "Resources")]
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Data", default)]
    data: Value,
}

impl Namespace {
    fn endpoints(&self) -> impl Iterator<Item = &str> {
        let endpoints = self.resources.iter().filter(|resource| resource.kind == "Endpoint");
        endpoints.filter_map(|endpoint| {
            let id = &endpoint.data;
            id["ID"].as_str().or_else(|| id["Id"].as_str())
        })
    }
}

/// The GUID that a name stands for.
fn guid(name: &str) -> Uuid {
    Uuid::parse_str(name).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

async fn on_network<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, ErrorKind> + Send + 'static,
) -> Result<T> {
    let done = operation::blocking(move || Ok(work()?)).await;
    done.map_err(|failed| EngineError::new(Op::Network, name, failed))
}

fn change(request: &str, endpoint: &str) -> String {
    json!({
        "ResourceType": "Endpoint",
        "RequestType": request,
        "Settings": { "EndpointId": endpoint },
    })
    .to_string()
}

impl Network for Networks {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        if name.is_empty() {
            let kind = ErrorKind::Unsupported {
                what: "a network namespace without a name".into(),
                why: "make one first and name it in `windows.network.networkNamespace`".into(),
            };
            return Err(EngineError::new(Op::Network, name, kind));
        }
        let id = guid(name);
        let settings = json!({ "SchemaVersion": { "Major": 2, "Minor": 0 } }).to_string();
        on_network(name, move || hcn::create_namespace(id, &settings)).await
    }

    async fn adopt_namespace(&self, name: &str, path: &Path) -> Result<()> {
        let kind = ErrorKind::Unsupported {
            what: format!("the network namespace `{}`", path.display()),
            why: "Windows names namespaces by GUIDs: give the GUID".into(),
        };
        Err(EngineError::new(Op::Network, name, kind))
    }

    async fn set_names(&self, namespace: &str, _names: &Names) -> Result<()> {
        let kind = ErrorKind::Unsupported {
            what: "a namespace with name servers of its own".into(),
            why: "on Windows they are the endpoints': set them on the network".into(),
        };
        Err(EngineError::new(Op::Network, namespace, kind))
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        let id = guid(name);
        on_network(name, move || {
            joined::leave_all(id)?;
            let namespace = match hcn::query_namespace(id) {
                Err(ErrorKind::NotFound(_)) => return Ok(()),
                other => other?,
            };
            for endpoint in read(&namespace)?.endpoints() {
                gone_is_fine(hcn::modify_namespace(id, &change("Remove", endpoint)))?;
            }
            gone_is_fine(hcn::delete_namespace(id))
        })
        .await
    }

    async fn list_namespaces(&self) -> Result<Vec<String>> {
        let mut ids = on_network("every namespace", hcn::namespaces).await?;
        ids.sort();
        Ok(ids)
    }

    async fn attach(&self, namespace: &str, wanted: &EndpointRequest) -> Result<Endpoint> {
        let (id, wanted) = (guid(namespace), wanted.clone());
        on_network(namespace, move || {
            let endpoint = wanted.network.clone();
            if Uuid::parse_str(&endpoint).is_err() {
                return joined::join(id, &wanted);
            }
            // What cannot be told of is not attached.
            let told = endpoint::read(&endpoint, &hcn::query_endpoint(guid(&endpoint))?)?;
            hcn::modify_namespace(id, &change("Add", &endpoint))?;
            Ok(told)
        })
        .await
    }

    async fn detach(&self, namespace: &str, network: &str) -> Result<()> {
        let (id, endpoint) = (guid(namespace), network.to_owned());
        on_network(namespace, move || {
            if Uuid::parse_str(&endpoint).is_err() {
                return joined::leave(id, &endpoint);
            }
            gone_is_fine(hcn::modify_namespace(id, &change("Remove", &endpoint)))
        })
        .await
    }
}

fn read(namespace: &str) -> Result<Namespace, ErrorKind> {
    serde_json::from_str(namespace)
        .map_err(|error| ErrorKind::io("read the namespace", std::io::Error::other(error)))
}

fn gone_is_fine(result: Result<(), ErrorKind>) -> Result<(), ErrorKind> {
    match result {
        Err(ErrorKind::NotFound(_)) => Ok(()),
        other => other,
    }
}
