//! `update`: limits of a container, running or not, and its restart policy.

use anyhow::{Context, Result, bail};
use spec::api::HostConfig;

use super::many::each;
use crate::attach::wire::Call;
use crate::cli::container::Update;
use crate::host::Host;
use crate::settings::{create, size};
use crate::store::Found;

/// `update`
pub(super) async fn command(host: &Host, args: Update) -> Result<()> {
    let nothing = args.cpus.is_none()
        && args.cpu_shares.is_none()
        && args.memory.is_none()
        && args.restart.is_none();
    if nothing {
        bail!("you must provide one or more flags when using this command");
    }
    each(host, &args.containers, |host, name| {
        let args = &args;
        Box::pin(async move {
            let found = host.find(name).await?;
            update(host, found, args).await?;
            Ok(name.to_owned())
        })
    })
    .await
}

/// Applies the change first and keeps it then, so that the record never promises what is not so.
async fn update(host: &Host, mut found: Found, args: &Update) -> Result<()> {
    let before = found.record.host_config.clone();
    change(&mut found.record.host_config, args)?;
    let config = &found.record.host_config;
    let facts = crate::monitor::facts(host);
    let mode = config.isolation.resolve(facts.default_isolation)?;
    let limits = limits(config) != limits(&before);
    let resources = spec::resources::of(config, mode, facts.cpus).filter(|_| limits);
    let resources = resources.map(Box::new);
    if let Some(mut monitor) = host.monitor(&found.record.id).await?
        && found.state.status.is_running()
    {
        monitor.call(Call::Update { resources }).await?;
    }
    found.folder.write_record(&found.record)?;
    host.events.container(&found.record, "update", &[]);
    Ok(())
}

fn limits(config: &HostConfig) -> (i64, i64, i64) {
    (config.nano_cpus, config.cpu_shares, config.memory)
}

fn change(config: &mut HostConfig, args: &Update) -> Result<()> {
    if let Some(policy) = &args.restart {
        let policy = create::restart_policy(policy)?;
        if config.auto_remove && !policy.is_none() {
            bail!("the restart policy cannot be updated because the container has --rm");
        }
        config.restart_policy = policy;
    }
    if let Some(cpus) = &args.cpus {
        config.nano_cpus = create::nano_cpus(Some(cpus))?;
        (config.cpu_percent, config.cpu_shares) = (0, 0);
    }
    if let Some(shares) = args.cpu_shares {
        if args.cpus.is_some() {
            bail!("conflicting options: --cpus and --cpu-shares cannot both be set");
        }
        if !(1..=10_000).contains(&shares) {
            bail!("invalid value of --cpu-shares: {shares}: 1 to 10000 is wanted");
        }
        config.cpu_shares = shares;
        (config.cpu_percent, config.nano_cpus) = (0, 0);
    }
    if let Some(memory) = &args.memory {
        let bytes = size::parse(memory).context("reading --memory")?;
        config.memory = i64::try_from(bytes).context("--memory is too large")?;
    }
    Ok(())
}
