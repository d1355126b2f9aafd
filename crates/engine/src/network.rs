//! Network namespaces and the endpoints in them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;

use schema::names::Names;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Makes network namespaces and connects them to networks.
///
/// On Windows: the Host Compute Network service. On Linux: network namespaces and CNI plugins,
/// with each namespace pinned under the state directory so that it can be found again by name.
pub trait Network: Send + Sync + 'static {
    /// Makes an empty namespace (loopback only, and up). A name in use is refused.
    fn create_namespace(&self, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// Makes a namespace known under a name that somebody else made and goes on owning, and sets it
    /// up as a container needs it. A name in use is refused, and so is the host's own namespace.
    /// [`Network::delete_namespace`] forgets the name and leaves the endpoints in it.
    fn adopt_namespace(&self, name: &str, path: &Path) -> impl Future<Output = Result<()>> + Send;

    /// Adds to what is resolved in a namespace; a network's own servers come after these.
    fn set_names(&self, namespace: &str, names: &Names) -> impl Future<Output = Result<()>> + Send;

    /// Detaches every endpoint of the namespace and removes it. One that is gone is a success.
    fn delete_namespace(&self, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// The names of all namespaces that [`Network::create_namespace`] made and that still exist.
    fn list_namespaces(&self) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Connects a namespace to a network. All or nothing.
    fn attach(
        &self,
        namespace: &str,
        endpoint: &EndpointRequest,
    ) -> impl Future<Output = Result<Endpoint>> + Send;

    /// Disconnects it. An endpoint that is gone is a success.
    fn detach(&self, namespace: &str, network: &str) -> impl Future<Output = Result<()>> + Send;
}

/// What is asked of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointRequest {
    /// The network's name; `nat` is the default network.
    pub network: String,
    /// The container's id, as the plugins keep it.
    pub container_id: String,
    /// A fixed address.
    pub ip: Option<IpAddr>,
    /// A fixed MAC address.
    pub mac: Option<String>,
    /// Ports published on the host.
    pub ports: Vec<PortMapping>,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// On the host.
    pub host_port: u16,
    /// On which of the host's addresses; all when absent.
    pub host_ip: Option<IpAddr>,
    /// In the container.
    pub container_port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// An endpoint as it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// The network's name.
    pub network: String,
    /// The interface's name inside.
    pub interface: String,
    /// `aa:bb:...`.
    pub mac: String,
    /// Addresses with their prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
    /// The default gateway.
    pub gateway: Option<IpAddr>,
    /// Name servers that the network names.
    pub dns_servers: Vec<IpAddr>,
    /// Search suffixes that the network names.
    pub dns_search: Vec<String>,
    /// Ports published on the host.
    pub ports: Vec<PortMapping>,
}

/// A network as a user defines it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What Docker's commands show as its id; empty for one that a user wrote by hand.
    pub id: String,
    /// Its driver; `nat` is the one that there is.
    pub driver: String,
    /// `10.91.0.0/16`; empty chooses one that nothing else here uses.
    pub subnet: String,
    /// The gateway's address; empty is the subnet's first.
    pub gateway: String,
    /// Nothing outside is reached.
    pub internal: bool,
    /// The user's own.
    pub labels: BTreeMap<String, String>,
    /// When it was made, seconds since 1970.
    pub created_unix: u64,
}
