//! `volume`

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::filters::{self, ListFilters};
use super::{Status, inspect, prune};
use crate::cli::container::Inspect;
use crate::cli::settings::ListFlags;
use crate::cli::system::{Prune, VolumeGroup};
use crate::format::Format;
use crate::host::Host;
use crate::host::volumes::{self, Removal};
use crate::settings::pairs;
use crate::store::record::new_id;
use crate::store::volumes::{NoSuchVolume, Volume};

const HEADINGS: &[(&str, &str)] = &[
    ("Driver", "DRIVER"),
    ("Name", "VOLUME NAME"),
    ("Mountpoint", "MOUNTPOINT"),
    ("Scope", "SCOPE"),
    ("Labels", "LABELS"),
];

/// `volume`
pub(super) async fn command(host: &Host, group: VolumeGroup) -> Result<()> {
    match group {
        VolumeGroup::Ls(args) => list(host, &args).await,
        VolumeGroup::Create { label, driver, opt, name, named } => {
            let name = match (name, named) {
                (Some(_), Some(_)) => bail!(
                    "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
                ),
                (one, other) => one.or(other),
            };
            create(host, &label, &driver, &opt, name).await
        }
        VolumeGroup::Inspect { format, names } => {
            inspect::command(
                host,
                Inspect { format, names, size: false, kind: None }.only("volume"),
            )
            .await
        }
        VolumeGroup::Rm { force, names } => remove(host, &names, force).await,
        VolumeGroup::Prune { all, flags } => prune::command(host, Prune::volumes(all, flags)).await,
    }
}

async fn list(host: &Host, args: &ListFlags) -> Result<()> {
    let filters = ListFilters::parse(&args.filter, &["dangling", "driver", "label", "name"])?;
    let used = used(host).await?;
    let mut volumes = host.volumes.list()?;
    volumes.retain(|volume| {
        filters.hold(&volume.labels, !used.contains(&volume.name), |key, value| match key {
            "driver" => value == "local",
            _ => volume.name.contains(&value.to_lowercase()),
        })
    });
    if args.quiet {
        for volume in &volumes {
            println!("{}", volume.name);
        }
        return Ok(());
    }
    let rows: Vec<Value> = volumes.iter().map(|volume| row(host, volume)).collect();
    let format = Format::parse(args.format.as_deref(), "{{.Driver}}\t{{.Name}}")?;
    print!("{}", format.list(&rows, HEADINGS)?);
    Ok(())
}

fn row(host: &Host, volume: &Volume) -> Value {
    json!({
        "Driver": "local",
        "Name": volume.name,
        "Mountpoint": host.volumes.data(&volume.name),
        "Scope": "local",
        "Labels": filters::shown(&volume.labels),
    })
}

async fn create(
    host: &Host,
    labels: &[String],
    driver: &str,
    opt: &[String],
    name: Option<String>,
) -> Result<()> {
    if driver != "local" {
        bail!("volume driver \"{driver}\" is not supported: there is one, local");
    }
    if !opt.is_empty() {
        bail!("--opt is refused: the local driver has no options on Windows");
    }
    let labels: BTreeMap<String, String> = pairs::labels(&[], labels)?;
    let _keeping = volumes::keep(host).await?;
    let volume = match name {
        Some(name) => host.volumes.ensure(&name, labels)?.0,
        None if labels.is_empty() => host.volumes.create_anonymous()?,
        None => host.volumes.ensure(&new_id(), labels)?.0,
    };
    host.events.volume(&volume.name, "create");
    println!("{}", volume.name);
    Ok(())
}

async fn remove(host: &Host, names: &[String], force: bool) -> Result<()> {
    // What a killed monitor left of a container that goes with its end has no volume any more.
    host.list().await?;
    let mut removal = Removal::begin(host).await?;
    let mut failed = false;
    let mut tell = |error: anyhow::Error| {
        eprintln!("transom: {error:#}");
        failed = true;
    };
    for name in names {
        remove_one(host, &mut removal, name, force).unwrap_or_else(&mut tell);
    }
    for (name, deleted) in removal.finish().await? {
        deleted.map_or_else(&mut tell, |_| println!("{name}"));
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

fn remove_one(host: &Host, removal: &mut Removal<'_>, name: &str, force: bool) -> Result<()> {
    let volume = match host.volumes.get(name) {
        Ok(volume) => volume,
        Err(error) if force && error.is::<NoSuchVolume>() => {
            println!("{name}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    removal.remove(&volume.name)?;
    host.events.volume(&volume.name, "destroy");
    Ok(())
}

/// The volumes that containers have, running or not.
async fn used(host: &Host) -> Result<Vec<String>> {
    let all = host.list().await?;
    let mounts = all.into_iter().flat_map(|found| found.record.mounts);
    Ok(mounts.filter_map(|mount| mount.name).collect())
}
