//! `volume`

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Status, inspect, prune};
use crate::cli::system::{Prune, VolumeGroup};
use crate::format::Format;
use crate::host::Host;
use crate::settings::pairs;

/// `volume`
pub(super) async fn command(host: &Host, group: VolumeGroup) -> Result<()> {
    match group {
        VolumeGroup::Ls { quiet, format } => list(host, quiet, format.as_deref()),
        VolumeGroup::Create { label, name } => create(host, &label, name),
        VolumeGroup::Inspect { format, names } => {
            let volumes: Result<Vec<_>> = names
                .iter()
                .map(|name| Ok(inspect::volume(host, &host.volumes.get(name)?)))
                .collect();
            inspect::print(&volumes?, format.as_deref())
        }
        VolumeGroup::Rm { force, names } => remove(host, &names, force).await,
        VolumeGroup::Prune(args) => prune::command(host, Prune::volumes(args)).await,
    }
}

fn list(host: &Host, quiet: bool, format: Option<&str>) -> Result<()> {
    let volumes = host.volumes.list()?;
    if quiet {
        volumes.iter().for_each(|volume| println!("{}", volume.name));
        return Ok(());
    }
    let rows: Vec<_> = volumes
        .iter()
        .map(|volume| {
            let data = host.volumes.data(&volume.name);
            json!({"Driver": "local", "Name": volume.name, "Mountpoint": data, "Scope": "local"})
        })
        .collect();
    let format = Format::parse(format, "{{.Driver}}\t{{.Name}}")?;
    print!("{}", format.list(&rows, &[("Driver", "DRIVER"), ("Name", "VOLUME NAME")])?);
    Ok(())
}

fn create(host: &Host, labels: &[String], name: Option<String>) -> Result<()> {
    let labels: BTreeMap<String, String> = pairs::labels(&[], labels)?;
    let volume = match name {
        Some(name) => host.volumes.ensure(&name, labels)?,
        None if labels.is_empty() => host.volumes.create_anonymous()?,
        None => host.volumes.ensure(&crate::store::record::new_id(), labels)?,
    };
    println!("{}", volume.name);
    Ok(())
}

async fn remove(host: &Host, names: &[String], force: bool) -> Result<()> {
    let mut failed = false;
    for name in names {
        match remove_one(host, name, force).await {
            Ok(()) => println!("{name}"),
            Err(error) => {
                eprintln!("transom: {error:#}");
                failed = true;
            }
        }
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

async fn remove_one(host: &Host, name: &str, force: bool) -> Result<()> {
    let volume = match host.volumes.get(name) {
        Ok(volume) => volume,
        Err(_) if force => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Some(user) = user(host, &volume.name).await? {
        bail!("volume {name} is in use by container {user}");
    }
    host.volumes.remove(&volume.name)
}

/// A container that has the volume mounted, running or not.
pub(super) async fn user(host: &Host, volume: &str) -> Result<Option<String>> {
    let all = host.list().await?;
    let uses = |found: &&crate::store::Found| {
        found.record.mounts.iter().any(|mount| mount.name.as_deref() == Some(volume))
    };
    Ok(all.iter().find(uses).map(|found| found.record.id.clone()))
}
