//! The host's half.

use std::net::IpAddr;

use super::{Invalid, Warnings, ports, resources, restart_policy};
use crate::api::HostConfig;
use crate::error::SpecError;
use crate::host::{HostFacts, Lookups};
use crate::mounts;

/// Checks `config`, and zeroes processor limits that exclude each other, with a warning for each.
pub fn host_config(
    config: &mut HostConfig,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Warnings, SpecError> {
    let mut warnings = Warnings::new();
    host_config_into(config, facts, host, &mut warnings)?;
    Ok(warnings)
}

/// As [`host_config`], leaving the warnings that came before an error.
pub fn host_config_into(
    config: &mut HostConfig,
    facts: &HostFacts,
    host: &impl Lookups,
    warnings: &mut Warnings,
) -> Result<(), SpecError> {
    common(config, facts, host)?;
    let isolation = config.isolation.resolve(facts.default_isolation)?;
    warnings.extend(resources::normalise(config, isolation));
    Ok(resources::check(config, facts.cpus)?)
}

/// What holds on every platform.
fn common(config: &HostConfig, facts: &HostFacts, host: &impl Lookups) -> Result<(), SpecError> {
    if config.auto_remove && !config.restart_policy.is_none() {
        return Err(Invalid::AutoRemove.into());
    }
    for mount in &config.mounts {
        mounts::check(mount, facts.path_style, host)?;
    }
    config.extra_hosts.iter().try_for_each(|entry| extra_host(entry))?;
    ports::check(&config.port_bindings)?;
    restart_policy(&config.restart_policy)?;
    capabilities("CapAdd", &config.cap_add)?;
    capabilities("CapDrop", &config.cap_drop)?;
    config.isolation.explicit()?;
    if config.annotations.contains_key("") {
        return Err(Invalid::Annotation.into());
    }
    Ok(())
}

/// `name:address`, or `name:host-gateway`.
pub fn extra_host(entry: &str) -> Result<(), Invalid> {
    let (name, address) = entry.split_once(':').unwrap_or_default();
    if name.is_empty() {
        return Err(Invalid::ExtraHost(entry.to_owned()));
    }
    if address == "host-gateway" || address.trim().parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(Invalid::ExtraHostAddress(address.to_owned()))
}

/// Windows has no capabilities, so that only "all" of them can be named.
fn capabilities(member: &'static str, names: &[String]) -> Result<(), Invalid> {
    for name in names {
        let name = name.to_uppercase();
        if name != "ALL" {
            let name = if name.starts_with("CAP_") { name } else { format!("CAP_{name}") };
            return Err(Invalid::Capability { member, name });
        }
    }
    Ok(())
}
