//! `inspect`

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::Status;
use crate::cli::container::Inspect;
use crate::format;
use crate::host::Host;
use crate::store::health::{Checked, Health};
use crate::store::volumes::Volume;
use crate::store::{Found, MountPoint, NoSuchContainer, State};

/// Docker's word for a moment that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// `inspect`
pub(super) async fn command(host: &Host, args: Inspect) -> Result<()> {
    let (mut values, mut failed) = (Vec::new(), false);
    for name in &args.names {
        match one(host, name, &args).await {
            Ok(value) => values.push(value),
            Err(error) => {
                eprintln!("transom: {error:#}");
                failed = true;
            }
        }
    }
    print(&values, args.format.as_deref())?;
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

/// All in one list, or each by the template.
pub(super) fn print(values: &[Value], format: Option<&str>) -> Result<()> {
    match format {
        None | Some("") => println!("{}", format::pretty(&values)?),
        Some("json") => println!("{}", serde_json::to_string(values)?),
        Some(format) => {
            for value in values {
                println!("{}", format::one(Some(format), value)?);
            }
        }
    }
    Ok(())
}

async fn one(host: &Host, name: &str, args: &Inspect) -> Result<Value> {
    match args.kind.as_deref() {
        Some("container") => container(host, name, args.size).await,
        Some("image") => image(host, name).await,
        Some("volume") => Ok(volume(host, &host.volumes.get(name)?)),
        Some("network") => super::network::inspect_one(host, name).await,
        Some(other) => bail!("\"{other}\" is not a type: container, image, network or volume"),
        None => any(host, name, args.size).await,
    }
}

async fn any(host: &Host, name: &str, size: bool) -> Result<Value> {
    match container(host, name, size).await {
        Err(error) if error.is::<NoSuchContainer>() => {}
        other => return other,
    }
    if let Ok(image) = image(host, name).await {
        return Ok(image);
    }
    if let Ok(network) = super::network::inspect_one(host, name).await {
        return Ok(network);
    }
    match host.volumes.get(name) {
        Ok(found) => Ok(volume(host, &found)),
        Err(_) => bail!("No such object: {name}"),
    }
}

async fn image(host: &Host, name: &str) -> Result<Value> {
    Ok(host.images().await?.resolve(name).await?.inspect())
}

async fn container(host: &Host, name: &str, size: bool) -> Result<Value> {
    let found = host.find(name).await?;
    let mut value = describe(&found)?;
    if size {
        value["SizeRw"] = crate::store::tree_size(&found.folder.scratch().join("upper")).into();
    }
    Ok(value)
}

/// A container as docker describes it.
pub(super) fn describe(found: &Found) -> Result<Value> {
    let (record, state) = (&found.record, &found.state);
    let has_log = record.host_config.log_config.driver != "none";
    let log =
        if has_log { found.folder.log().to_string_lossy().into_owned() } else { String::new() };
    Ok(json!({
        "Id": record.id,
        "Created": record.created.to_string(),
        "Path": record.path,
        "Args": record.args,
        "State": describe_state(state),
        "Image": record.image_id,
        "LogPath": log,
        "Name": format!("/{}", record.name),
        "RestartCount": state.restart_count,
        "Driver": "windowsfilter",
        "Platform": "windows",
        "OsVersion": record.os_version,
        "GraphDriver": {"Name": "windowsfilter", "Data": {"dir": found.folder.scratch()}},
        "HostConfig": serde_json::to_value(&record.host_config)?,
        "Mounts": record.mounts.iter().map(mount).collect::<Vec<_>>(),
        "Config": serde_json::to_value(&record.config)?,
        "NetworkSettings": network(found),
    }))
}

fn describe_state(state: &State) -> Value {
    let moment = |at: Option<jiff::Timestamp>| at.map_or(NEVER.to_owned(), |at| at.to_string());
    let mut value = json!({
        "Status": state.status.as_str(),
        "Running": state.status.is_active(),
        "Paused": state.status == crate::store::Status::Paused,
        "Restarting": state.status == crate::store::Status::Restarting,
        "OOMKilled": state.oom_killed,
        "Dead": state.status == crate::store::Status::Dead,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": moment(state.started_at),
        "FinishedAt": moment(state.finished_at),
    });
    if let Some(found) = &state.health {
        value["Health"] = health(found);
    }
    value
}

fn health(health: &Health) -> Value {
    let result = |one: &Checked| {
        json!({
            "Start": one.start.to_string(),
            "End": one.end.to_string(),
            "ExitCode": one.exit_code,
            "Output": one.output,
        })
    };
    json!({
        "Status": health.status.as_str(),
        "FailingStreak": health.failing_streak,
        "Log": health.log.iter().map(result).collect::<Vec<_>>(),
    })
}

fn mount(mount: &MountPoint) -> Value {
    let mut value = json!({
        "Type": mount.kind.as_str(),
        "Source": mount.source,
        "Destination": mount.destination,
        "Mode": if mount.writable { "" } else { "ro" },
        "RW": mount.writable,
        "Propagation": "",
    });
    if let Some(name) = &mount.name {
        value["Name"] = name.as_str().into();
        value["Driver"] = "local".into();
    }
    value
}

fn network(found: &Found) -> Value {
    let (mut ports, mut networks) = (Map::new(), Map::new());
    for key in found.record.config.exposed_ports.iter() {
        ports.insert(key.to_owned(), Value::Null);
    }
    for endpoint in &found.state.endpoints {
        for port in &endpoint.ports {
            let key = format!("{}/{}", port.container_port, port.protocol);
            let ip = port.host_ip.map_or_else(|| "0.0.0.0".to_owned(), |ip| ip.to_string());
            let binding = json!({"HostIp": ip, "HostPort": port.host_port.to_string()});
            match ports.entry(key).or_insert(Value::Null) {
                Value::Array(bindings) => bindings.push(binding),
                other => *other = Value::Array(vec![binding]),
            }
        }
        let address = endpoint.addresses.first();
        networks.insert(
            endpoint.network.clone(),
            json!({
                "MacAddress": endpoint.mac,
                "IPAddress": address.map(|(ip, _)| ip.to_string()).unwrap_or_default(),
                "IPPrefixLen": address.map_or(0, |(_, prefix)| *prefix),
                "Gateway": endpoint.gateway.map(|ip| ip.to_string()).unwrap_or_default(),
                "Aliases": found.record.networks.get(&endpoint.network).map(|own| &own.aliases),
                "DNSNames": crate::monitor::dns_names(&found.record, &endpoint.network),
            }),
        );
    }
    // Where it will be when it runs.
    for (name, asked) in &found.record.networks {
        let settings = || json!({"Aliases": asked.aliases, "IPAddress": "", "MacAddress": ""});
        networks.entry(name.clone()).or_insert_with(settings);
    }
    let first = found.state.endpoints.first().and_then(|endpoint| endpoint.addresses.first());
    json!({
        "SandboxID": found.state.namespace.clone().unwrap_or_default(),
        "Ports": ports,
        "IPAddress": first.map(|(ip, _)| ip.to_string()).unwrap_or_default(),
        "Networks": networks,
    })
}

/// A volume as docker describes it.
pub(super) fn volume(host: &Host, volume: &Volume) -> Value {
    json!({
        "CreatedAt": volume.created.to_string(),
        "Driver": "local",
        "Labels": volume.labels,
        "Mountpoint": host.volumes.data(&volume.name),
        "Name": volume.name,
        "Options": null,
        "Scope": "local",
    })
}
