//! `--network` and what belongs to it: the mode, and an endpoint for each network.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use spec::api::{EndpointIpam, EndpointSettings, NetworkMode, NetworkingConfig};

use crate::cli::run::HostFlags;

/// The mode (the first network), and what each network is asked for.
pub fn parse(flags: &HostFlags) -> Result<(NetworkMode, NetworkingConfig)> {
    let mut endpoints = BTreeMap::new();
    let mut mode = None;
    for text in &flags.network {
        let (name, settings) = one(text)?;
        if endpoints.insert(name.clone(), settings).is_some() {
            bail!("network \"{name}\" is specified multiple times");
        }
        mode.get_or_insert(name);
    }
    let mode = NetworkMode(mode.unwrap_or_else(|| "default".to_owned()));
    let attaches = mode.container().is_none() && !mode.is_none();
    if endpoints.len() > 1 && (!attaches || endpoints.keys().any(|name| is_mode(name))) {
        bail!(
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
        );
    }
    if !attaches {
        no_endpoint_flags(flags, &mode)?;
        return Ok((mode, NetworkingConfig::default()));
    }
    let first = endpoints.entry(mode.0.clone()).or_default();
    add_flags(first, flags)?;
    let endpoints_config = endpoints.into_iter().map(|(name, one)| (name, Some(one))).collect();
    Ok((mode, NetworkingConfig { endpoints_config }))
}

/// `none` and `container:…`, which are no networks.
fn is_mode(name: &str) -> bool {
    let mode = NetworkMode(name.to_owned());
    mode.is_none() || mode.container().is_some()
}

fn no_endpoint_flags(flags: &HostFlags, mode: &NetworkMode) -> Result<()> {
    let given = [
        ("--ip", flags.ip.is_some()),
        ("--mac-address", flags.mac_address.is_some()),
        ("--network-alias", !flags.network_alias.is_empty()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => bail!("conflicting options: {flag} and the network mode {}", mode.0),
        None => Ok(()),
    }
}

/// `--ip`, `--mac-address` and `--network-alias` are the first network's.
fn add_flags(settings: &mut EndpointSettings, flags: &HostFlags) -> Result<()> {
    if let Some(ip) = flags.ip {
        if settings.ipam_config.is_some() {
            bail!("conflicting options: cannot specify both --ip and an address in --network");
        }
        settings.ipam_config = Some(fixed(ip.to_string()));
    }
    if let Some(mac) = &flags.mac_address {
        if !settings.mac_address.is_empty() {
            bail!("conflicting options: cannot specify both --mac-address and one in --network");
        }
        settings.mac_address = checked_mac(mac)?;
    }
    for alias in &flags.network_alias {
        settings.aliases.push(checked_alias(alias)?);
    }
    Ok(())
}

/// `NAME`, or `name=NAME,alias=A,ip=1.2.3.4,mac-address=…`.
fn one(text: &str) -> Result<(String, EndpointSettings)> {
    let mut settings = EndpointSettings::default();
    if !text.contains('=') {
        return Ok((checked_name(text)?, settings));
    }
    let mut name = None;
    for field in text.split(',') {
        let pair = field.split_once('=');
        let (key, value) = pair.with_context(|| {
            format!("invalid field {field} of --network {text}: KEY=VALUE is wanted")
        })?;
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => name = Some(checked_name(value)?),
            "alias" => settings.aliases.push(checked_alias(value)?),
            "ip" => {
                let ip: std::net::Ipv4Addr = value
                    .parse()
                    .with_context(|| format!("invalid address of --network {text}"))?;
                settings.ipam_config = Some(fixed(ip.to_string()));
            }
            "mac-address" => settings.mac_address = checked_mac(value)?,
            "ip6" | "link-local-ip" => {
                bail!("{key} of --network is refused: networks here are IPv4")
            }
            "driver-opt" | "gw-priority" => {
                bail!("{key} of --network is refused: the driver nat has no such option")
            }
            other => bail!("invalid field key {other} of --network {text}"),
        }
    }
    let name = name.with_context(|| format!("network name must be specified: --network {text}"))?;
    Ok((name, settings))
}

/// What a fixed address is in docker's API.
pub fn fixed(address: String) -> EndpointIpam {
    EndpointIpam { ipv4_address: address, ..EndpointIpam::default() }
}

fn checked_name(name: &str) -> Result<String> {
    if name.is_empty() {
        bail!("--network needs a name");
    }
    Ok(name.to_owned())
}

/// A name that can stand in a question.
pub fn checked_alias(alias: &str) -> Result<String> {
    let good = !alias.is_empty()
        && alias.len() <= 253
        && alias.split('.').all(|label| (1..=63).contains(&label.len()))
        && alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if good {
        Ok(alias.to_owned())
    } else {
        bail!("invalid network alias \"{alias}\": letters, digits, '-', '_' and '.' are allowed")
    }
}

fn checked_mac(mac: &str) -> Result<String> {
    let parts: Vec<&str> = mac.split([':', '-']).collect();
    let byte = |part: &&str| part.len() == 2 && u8::from_str_radix(part, 16).is_ok();
    if parts.len() == 6 && parts.iter().all(byte) {
        Ok(parts.join(":").to_lowercase())
    } else {
        bail!("{mac} is not a valid mac address")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn of(line: &str) -> Result<(NetworkMode, NetworkingConfig)> {
        let words = format!("transom run {line} image");
        let cli = Cli::try_parse_from(words.split_whitespace())?;
        let Command::Run(run) = cli.command else { panic!("not run") };
        parse(&run.create.host)
    }

    #[test]
    fn the_first_network_gets_the_flags() {
        let (mode, config) = of(
            "--network a --network name=b,alias=x,ip=10.0.0.9 --ip 10.1.0.2 --network-alias web",
        )
        .unwrap();
        assert_eq!(mode.0, "a");
        let of = |name: &str| config.endpoints_config[name].clone().unwrap();
        assert_eq!(of("a").aliases, ["web"]);
        assert_eq!(of("a").ipam_config.unwrap().ipv4_address, "10.1.0.2");
        assert_eq!(of("b").aliases, ["x"]);
        assert_eq!(of("b").ipam_config.unwrap().ipv4_address, "10.0.0.9");
    }

    #[test]
    fn what_goes_with_no_network_is_refused() {
        for line in [
            "--network none --ip 10.0.0.2",
            "--network container:x --network-alias y",
            "--network a --network none",
            "--network a --network a",
            "--network alias=x",
            "--network name=a,ip6=::1",
            "--network-alias a_b!",
            "--mac-address 1:2",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
        assert_eq!(of("").unwrap().0.0, "default");
    }
}
