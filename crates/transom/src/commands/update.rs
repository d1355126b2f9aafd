//! `update`: limits of a container, running or not, and its restart policy.

use anyhow::{Context, Result, bail};
use oci_spec::runtime::WindowsResources;
use serde_json::{Value, json};
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
        && args.cpu_percent.is_none()
        && args.cpu_count.is_none()
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
    let resources = resources.as_ref().map(without_zeros).transpose()?.map(Box::new);
    if let Some(mut monitor) = host.monitor(&found.record.id).await?
        && found.state.status.is_running()
    {
        monitor.call(Call::Update { resources }).await?;
    }
    found.folder.write_record(&found.record)?;
    host.events.container(&found.record, "update", &[]);
    Ok(())
}

fn limits(config: &HostConfig) -> [i64; 5] {
    let processor = [config.nano_cpus, config.cpu_shares, config.cpu_percent, config.cpu_count];
    let [cpus, shares, percent, count] = processor;
    [cpus, shares, percent, count, config.memory]
}

/// A zero in a new container's spec says nothing; in an update it would be a limit.
fn without_zeros(resources: &WindowsResources) -> Result<WindowsResources> {
    let mut value = serde_json::to_value(resources).context("reading the limits")?;
    if let Some(cpu) = value.get_mut("cpu").and_then(Value::as_object_mut) {
        cpu.retain(|_, limit| *limit != json!(0));
        if cpu.is_empty() {
            value["cpu"] = Value::Null;
        }
    }
    serde_json::from_value(value).context("reading the limits")
}

fn change(config: &mut HostConfig, args: &Update) -> Result<()> {
    if let Some(policy) = &args.restart {
        let asked =
            HostConfig { restart_policy: create::restart_policy(policy)?, ..HostConfig::default() };
        config.restart_policy = spec::update::update(config, &asked)?;
    }
    processor(config, args)?;
    if let Some(memory) = &args.memory {
        let bytes = size::parse(memory).context("reading --memory")?;
        config.memory = i64::try_from(bytes).context("--memory is too large")?;
    }
    Ok(())
}

/// Of the ways to limit processors the one that is asked for takes the place of the others.
fn processor(config: &mut HostConfig, args: &Update) -> Result<()> {
    let cpus = args.cpus.as_deref().map(|cpus| create::nano_cpus(Some(cpus))).transpose()?;
    let asked = [
        ("--cpus", cpus, 1..=i64::MAX),
        ("--cpu-shares", args.cpu_shares, 1..=10_000),
        ("--cpu-percent", args.cpu_percent, 1..=100),
        ("--cpu-count", args.cpu_count, 1..=i64::MAX),
    ];
    let given: Vec<_> = asked.iter().filter(|(_, value, _)| value.is_some()).collect();
    if let [(first, ..), (second, ..), ..] = given.as_slice() {
        bail!("conflicting options: {first} and {second} cannot both be set");
    }
    let Some((flag, Some(value), range)) = given.first() else { return Ok(()) };
    if !range.contains(value) {
        bail!("invalid value of {flag}: {value}: {} to {} is wanted", range.start(), range.end());
    }
    let only = |name| if *flag == name { *value } else { 0 };
    config.nano_cpus = only("--cpus");
    config.cpu_shares = only("--cpu-shares");
    config.cpu_percent = only("--cpu-percent");
    config.cpu_count = only("--cpu-count");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn changed(line: &str, mut config: HostConfig) -> Result<HostConfig> {
        let cli = Cli::try_parse_from(format!("transom update {line} x").split_whitespace())?;
        let Command::Update(args) = cli.command else { panic!("not update") };
        change(&mut config, &args)?;
        Ok(config)
    }

    #[test]
    fn one_limit_of_processors_takes_the_place_of_another() {
        let before = HostConfig { cpu_shares: 500, ..HostConfig::default() };
        let after = changed("--cpus 1.5 -m 1g", before.clone()).unwrap();
        assert_eq!(limits(&after), [1_500_000_000, 0, 0, 0, 1 << 30]);
        for line in
            ["--cpus 1 --cpu-shares 5", "--cpu-percent 101", "--cpu-shares 0", "--memory-swap 1g"]
        {
            assert!(changed(line, before.clone()).is_err(), "{line}");
        }
    }

    #[test]
    fn a_container_that_goes_when_it_ends_is_not_restarted() {
        let before = HostConfig { auto_remove: true, ..HostConfig::default() };
        assert!(changed("--restart always", before.clone()).is_err());
        assert_eq!(changed("--restart no", before).unwrap().restart_policy.name, "no");
    }

    #[test]
    fn zeros_limit_nothing() {
        let config = HostConfig { nano_cpus: 1_000_000_000, ..HostConfig::default() };
        let resources = spec::resources::of(&config, spec::IsolationMode::Process, 2).unwrap();
        let resources = serde_json::to_value(without_zeros(&resources).unwrap()).unwrap();
        assert_eq!(resources["cpu"], json!({"maximum": 5000}));
    }
}
