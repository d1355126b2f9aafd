//! The network of one run: a namespace, and what is in it.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use engine::Network;
use engine::network::{Endpoint, EndpointRequest};
use engine::os::NAMES_ARE_SERVED;
use schema::names::Names as Wanted;
use spec::api::EndpointSettings;

use super::names::{self, Names};
use crate::host::Host;
use crate::settings::ports;
use crate::store::Record;

/// What a container is connected by.
#[derive(Debug, Default)]
pub(super) struct Connected {
    /// Its endpoints, that of its first network first.
    pub(super) endpoints: Vec<Endpoint>,
    /// Serves the names of its networks.
    pub(super) names: Option<Names>,
}

/// Makes the container's namespace, or finds the one that it shares.
pub(super) async fn namespace(host: &Host, record: &Record) -> Result<Option<String>> {
    if let Some(other) = record.host_config.network_mode.container() {
        return shared(host, other).await.map(Some);
    }
    host.networks.create_namespace(&record.id).await.context("making the network namespace")?;
    Ok(Some(record.id.clone()))
}

/// The namespace of a running container.
async fn shared(host: &Host, other: &str) -> Result<String> {
    let found = host.find(other).await?;
    if !found.state.status.is_running() {
        bail!("cannot join the network of container {other}: it is not running");
    }
    found.state.namespace.with_context(|| format!("container {other} has no network namespace"))
}

/// Connects the container's own namespace to its networks.
pub(super) async fn connect(
    host: &Host,
    record: &Record,
    namespace: Option<&str>,
) -> Result<Connected> {
    let mode = &record.host_config.network_mode;
    let Some(namespace) = namespace.filter(|_| mode.container().is_none()) else {
        return Ok(Connected::default());
    };
    let mut wanted = wanted(record)?;
    let mut connected = Connected::default();
    if !mode.is_none() && NAMES_ARE_SERVED {
        let servers = std::mem::replace(&mut wanted.servers, vec![names::ADDRESS]);
        connected.names = Some(Names::serve(host, namespace, servers).await?);
    }
    if !wanted.is_empty() {
        let set = host.networks.set_names(namespace, &wanted).await;
        set.context("setting name servers")?;
    }
    if mode.is_none() {
        return Ok(connected);
    }
    for (network, settings) in in_order(record) {
        let endpoint = attach(host, record, namespace, &network, &settings).await?;
        connected.endpoints.push(endpoint);
    }
    Ok(connected)
}

/// The networks, the first one first: it has the default route and the published ports.
fn in_order(record: &Record) -> Vec<(String, EndpointSettings)> {
    let first = record.host_config.network_mode.clone().or_default().0;
    let mut all: Vec<_> = record.networks.clone().into_iter().collect();
    all.sort_by_key(|(name, _)| *name != first);
    all
}

/// Connects a namespace to one network.
pub(super) async fn attach(
    host: &Host,
    record: &Record,
    namespace: &str,
    network: &str,
    settings: &EndpointSettings,
) -> Result<Endpoint> {
    let is_first = record.host_config.network_mode.clone().or_default().0 == network;
    let ports =
        if is_first { ports::mappings(&record.config, &record.host_config)? } else { Vec::new() };
    let request = EndpointRequest {
        network: network.to_owned(),
        container_id: record.id.clone(),
        ip: fixed_address(settings)?,
        mac: Some(settings.mac_address.clone()).filter(|mac| !mac.is_empty()),
        ports,
    };
    let endpoint = host.networks.attach(namespace, &request).await;
    let endpoint = endpoint.with_context(|| format!("connecting to network {network}"))?;
    host.events.network(network, "connect", &[("container", &record.id)]);
    Ok(endpoint)
}

fn fixed_address(settings: &EndpointSettings) -> Result<Option<IpAddr>> {
    let asked = settings.ipam_config.as_ref().map(|ipam| ipam.ipv4_address.as_str());
    match asked.filter(|address| !address.is_empty()) {
        Some(address) => Ok(Some(address.parse().context("reading the fixed address")?)),
        None => Ok(None),
    }
}

/// What the container's own settings say of names.
fn wanted(record: &Record) -> Result<Wanted> {
    let config = &record.host_config;
    let servers: Result<Vec<IpAddr>, _> = config.dns.iter().map(|server| server.parse()).collect();
    let hosts = config.extra_hosts.iter().map(|entry| crate::settings::extra_host(entry));
    Ok(Wanted {
        servers: servers.context("reading --dns")?,
        search: config.dns_search.clone(),
        hosts: hosts.collect::<Result<_>>()?,
    })
}
