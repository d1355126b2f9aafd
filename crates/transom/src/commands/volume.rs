//! `volume`

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Status, inspect, prune};
use crate::cli::settings::ListFlags;
use crate::cli::system::{Prune, VolumeGroup};
use crate::format::Format;
use crate::host::Host;
use crate::settings::{pairs, time};
use crate::store::record::new_id;
use crate::store::volumes::Volume;

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
            create(host, &label, &driver, &opt, name)
        }
        VolumeGroup::Inspect { format, names } => {
            let volumes: Result<Vec<_>> = names
                .iter()
                .map(|name| Ok(inspect::volume(host, &host.volumes.get(name)?)))
                .collect();
            inspect::print(&volumes?, format.as_deref())
        }
        VolumeGroup::Rm { force, names } => remove(host, &names, force).await,
        VolumeGroup::Prune { all, flags } => prune_all(host, all, &flags.filter, flags.force).await,
    }
}

async fn list(host: &Host, args: &ListFlags) -> Result<()> {
    let filters: Vec<(&str, &str)> =
        args.filter.iter().map(|text| filter(text)).collect::<Result<_>>()?;
    let used = used(host).await?;
    let mut volumes = host.volumes.list()?;
    volumes.retain(|volume| holds(volume, &filters, used.contains(&volume.name)));
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
    let labels: Vec<String> =
        volume.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "Driver": "local",
        "Name": volume.name,
        "Mountpoint": host.volumes.data(&volume.name),
        "Scope": "local",
        "Labels": labels.join(","),
    })
}

fn filter(text: &str) -> Result<(&str, &str)> {
    let known = ["dangling", "driver", "label", "name"];
    match text.split_once('=') {
        Some(("dangling", value)) if !matches!(value, "true" | "false" | "1" | "0") => {
            bail!("invalid filter 'dangling={value}': true or false is wanted")
        }
        Some((key, value)) if known.contains(&key) => Ok((key, value)),
        _ => bail!("invalid filter '{text}': {} are known, as KEY=VALUE", known.join(", ")),
    }
}

/// Of one key any filter will do, of several keys each must; every label must be there.
fn holds(volume: &Volume, filters: &[(&str, &str)], used: bool) -> bool {
    let fits = |(key, value): &(&str, &str)| match *key {
        "dangling" => used != matches!(*value, "true" | "1"),
        "driver" => *value == "local",
        "name" => volume.name.contains(&value.to_lowercase()),
        _ => has_label(&volume.labels, value),
    };
    filters.iter().all(|filter| {
        let alike = filters.iter().filter(|other| other.0 == filter.0);
        if filter.0 == "label" { fits(filter) } else { alike.into_iter().any(fits) }
    })
}

/// `NAME` or `NAME=VALUE`.
pub(super) fn has_label(labels: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((name, value)) => labels.get(name).is_some_and(|label| label == value),
        None => labels.contains_key(wanted),
    }
}

/// Which networks or volumes are pruned.
#[derive(Debug, Default)]
pub(super) struct PruneFilters {
    with: Vec<String>,
    without: Vec<String>,
    until: Option<Timestamp>,
    all: bool,
}

impl PruneFilters {
    /// Reads `--filter`.
    pub(super) fn parse(texts: &[String]) -> Result<Self> {
        let mut filters = Self::default();
        for text in texts {
            let wrong = || format!("invalid filter '{text}': KEY=VALUE is wanted");
            if let Some(label) = text.strip_prefix("label!=") {
                filters.without.push(label.to_owned());
                continue;
            }
            match text.split_once('=').with_context(wrong)? {
                ("label", label) => filters.with.push(label.to_owned()),
                ("until", moment) => filters.until = Some(time::parse(moment)?),
                ("all", value) => filters.all = matches!(value, "true" | "1"),
                (key, _) => bail!("invalid filter '{key}': all, label, label! and until are known"),
            }
        }
        Ok(filters)
    }

    /// Whether something with these labels, made then, is pruned.
    pub(super) fn hold(&self, labels: &BTreeMap<String, String>, made: Timestamp) -> bool {
        self.with.iter().all(|label| has_label(labels, label))
            && !self.without.iter().any(|label| has_label(labels, label))
            && self.until.is_none_or(|until| made < until)
    }
}

fn create(
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
    let volume = match name {
        Some(name) => host.volumes.ensure(&name, labels)?,
        None if labels.is_empty() => host.volumes.create_anonymous()?,
        None => host.volumes.ensure(&new_id(), labels)?,
    };
    host.events.volume(&volume.name, "create");
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
        bail!("remove {name}: volume is in use - [{user}]");
    }
    host.volumes.remove(&volume.name)?;
    host.events.volume(&volume.name, "destroy");
    Ok(())
}

async fn prune_all(host: &Host, all: bool, filters: &[String], force: bool) -> Result<()> {
    if filters.is_empty() {
        return prune::command(host, Prune::volumes(all, force)).await;
    }
    let filters = PruneFilters::parse(filters)?;
    if filters.until.is_some() {
        bail!("invalid filter 'until': volumes are not pruned by age");
    }
    if !force && !prune::asked("the volumes that the filters name and no container uses")? {
        return Ok(());
    }
    let mut reclaimed = 0;
    let used = used(host).await?;
    for volume in host.volumes.list()? {
        let meant = volume.anonymous || all || filters.all;
        let free = meant && !used.contains(&volume.name);
        if free && filters.hold(&volume.labels, volume.created) {
            reclaimed += crate::store::tree_size(&host.volumes.data(&volume.name))?;
            host.volumes.remove(&volume.name)?;
            host.events.volume(&volume.name, "destroy");
            println!("{}", volume.name);
        }
    }
    println!("Total reclaimed space: {}", crate::settings::size::decimal(reclaimed));
    Ok(())
}

/// The volumes that containers have, running or not.
async fn used(host: &Host) -> Result<Vec<String>> {
    let all = host.list().await?;
    let mounts = all.into_iter().flat_map(|found| found.record.mounts);
    Ok(mounts.filter_map(|mount| mount.name).collect())
}

/// A container that has the volume mounted, running or not.
pub(super) async fn user(host: &Host, volume: &str) -> Result<Option<String>> {
    let all = host.list().await?;
    let uses = |found: &&crate::store::Found| {
        found.record.mounts.iter().any(|mount| mount.name.as_deref() == Some(volume))
    };
    Ok(all.iter().find(uses).map(|found| found.record.id.clone()))
}
