//! The network of one run: a namespace, and what is in it.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use engine::network::{Endpoint, EndpointRequest};
use engine::{Network, Resolver};

use crate::host::Host;
use crate::settings::ports;
use crate::store::Record;

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

/// Connects the container's own namespace to its network.
pub(super) async fn connect(
    host: &Host,
    record: &Record,
    namespace: Option<&str>,
) -> Result<Vec<Endpoint>> {
    let mode = &record.host_config.network_mode;
    let Some(namespace) = namespace.filter(|_| mode.container().is_none()) else {
        return Ok(Vec::new());
    };
    let resolver = resolver(record)?;
    if resolver != Resolver::default() {
        let set = host.networks.set_resolver(namespace, &resolver).await;
        set.context("setting name servers")?;
    }
    if mode.is_none() {
        return Ok(Vec::new());
    }
    let request = EndpointRequest {
        network: mode.clone().or_default().0,
        container_id: record.id.clone(),
        ip: fixed_address(record)?,
        mac: Some(record.endpoint.mac_address.clone()).filter(|mac| !mac.is_empty()),
        ports: ports::mappings(&record.config, &record.host_config)?,
    };
    let endpoint = host.networks.attach(namespace, &request).await;
    Ok(vec![endpoint.with_context(|| format!("connecting to network {}", request.network))?])
}

fn fixed_address(record: &Record) -> Result<Option<IpAddr>> {
    let asked = record.endpoint.ipam_config.as_ref().map(|ipam| ipam.ipv4_address.as_str());
    match asked.filter(|address| !address.is_empty()) {
        Some(address) => Ok(Some(address.parse().context("reading the fixed address")?)),
        None => Ok(None),
    }
}

fn resolver(record: &Record) -> Result<Resolver> {
    let config = &record.host_config;
    let servers: Result<Vec<IpAddr>, _> = config.dns.iter().map(|server| server.parse()).collect();
    let hosts = config.extra_hosts.iter().map(|entry| crate::settings::extra_host(entry));
    Ok(Resolver {
        dns_servers: servers.context("reading --dns")?,
        dns_search: config.dns_search.clone(),
        hosts: hosts.collect::<Result<_>>()?,
    })
}
