//! `windows.network`: endpoints, name resolution and shared stacks.

use oci_spec::runtime::{WindowsNetwork, WindowsNetworkBuilder};

use crate::api::HostConfig;
use crate::host::HostFacts;

/// What a container is attached to when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachments {
    /// Its endpoints, in the order in which its networks were visited.
    pub endpoints: Vec<Endpoint>,
    /// A namespace that is ready, by name: all that a Linux host or a pod needs.
    pub namespace: Option<String>,
    /// The container whose stack is shared, with mode `container:`.
    pub shared: Option<Shared>,
}

/// One endpoint's driver data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its HNS id, if it has one.
    pub hns_id: Option<String>,
    /// The driver spoke of unqualified DNS queries at all; only `nat` does.
    pub unqualified_dns: bool,
    /// The HNS id of its gateway's endpoint.
    pub gateway_hns_id: Option<String>,
}

/// A container whose network stack is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// Its id.
    pub container: String,
    /// Its endpoints.
    pub endpoints: Vec<String>,
}

/// The network section: always there, even if empty. A gateway's endpoint comes last.
pub fn of(config: &HostConfig, attached: &Attachments, facts: &HostFacts) -> WindowsNetwork {
    let shared =
        attached.shared.as_ref().filter(|_| config.network_mode.0.starts_with("container:"));
    let mut endpoints: Vec<String> =
        attached.endpoints.iter().filter_map(|endpoint| endpoint.hns_id.clone()).collect();
    endpoints.extend(shared.iter().flat_map(|shared| shared.endpoints.iter().cloned()));
    let gateway = attached.endpoints.iter().rev().find_map(|one| one.gateway_hns_id.clone());
    endpoints.extend(gateway);

    let mut network = WindowsNetworkBuilder::default();
    if !endpoints.is_empty() {
        network = network.endpoint_list(endpoints);
    }
    if attached.endpoints.iter().any(|endpoint| endpoint.unqualified_dns) {
        network = network.allow_unqualified_dns_query(true);
    }
    if let Some(list) = [&config.dns_search, &facts.dns_search].into_iter().find(|l| !l.is_empty())
    {
        network = network.dns_search_list(list.clone());
    }
    if let Some(shared) = shared.filter(|shared| !shared.container.is_empty()) {
        network = network.network_shared_container_name(shared.container.clone());
    }
    if let Some(namespace) = &attached.namespace {
        network = network.network_namespace(namespace.clone());
    }
    network.build().expect("every member of a network has a default")
}
