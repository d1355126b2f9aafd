//! `network connect` and `network disconnect`

use anyhow::{Context, Result, bail};
use spec::api::EndpointSettings;

use crate::attach::wire::Call;
use crate::cli::settings::NetworkConnect;
use crate::host::Host;
use crate::settings::network::{checked_alias, fixed};
use crate::store::Found;

/// `network connect`
pub(super) async fn connect(host: &Host, args: NetworkConnect) -> Result<()> {
    let network = super::find(host, &args.network).await?.name;
    let found = host.find(&args.container).await?;
    let mode = &found.record.host_config.network_mode;
    if mode.container().is_some() {
        bail!(
            "container sharing network namespace with another container cannot be connected to any \
             other network"
        );
    }
    if mode.is_none() || network == "none" {
        bail!("container cannot be connected to multiple networks with one of them being none");
    }
    let aliases = args.alias.iter().map(|alias| checked_alias(alias));
    let settings = EndpointSettings {
        ipam_config: args.ip.map(|ip| fixed(ip.to_string())),
        aliases: aliases.collect::<Result<_>>()?,
        ..EndpointSettings::default()
    };
    if found.record.networks.contains_key(&network) {
        bail!("container {} is already connected to network {network}", found.record.name);
    }
    let call = Call::Connect { network: network.clone(), settings: Box::new(settings.clone()) };
    change(host, found, call, |found| {
        found.record.networks.insert(network.clone(), settings);
        Ok(())
    })
    .await
}

/// `network disconnect`
pub(super) async fn disconnect(host: &Host, network: &str, name: &str, force: bool) -> Result<()> {
    let network = match super::find(host, network).await {
        Ok(found) => found.name,
        // It may have been removed while the container did not run.
        Err(_) if force => network.to_owned(),
        Err(error) => return Err(error),
    };
    let found = host.find(name).await?;
    if !found.record.networks.contains_key(&network) {
        bail!("container {} is not connected to network {network}", found.record.name);
    }
    change(host, found, Call::Disconnect { network: network.clone() }, |found| {
        found.record.networks.remove(&network);
        Ok(())
    })
    .await
}

/// Asks the container's monitor, or changes the record of one that does not run.
async fn change(
    host: &Host,
    found: Found,
    call: Call,
    work: impl FnOnce(&mut Found) -> Result<()>,
) -> Result<()> {
    if let Some(mut monitor) = host.monitor(&found.record.id).await? {
        return monitor.call(call).await;
    }
    let lock = found.folder.try_lock()?;
    let _lock =
        lock.with_context(|| format!("container {} is being changed", found.record.name))?;
    let mut found = host.store.load(&found.record.id)?;
    work(&mut found)?;
    found.folder.write_record(&found.record)
}
