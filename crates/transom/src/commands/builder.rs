//! `builder du` and `builder prune`: the layers of builds.

use anyhow::{Result, bail};
use image::{CachePruneOptions, CacheUsage};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{build, prune as asking};
use crate::cli::build::{BuilderDu, BuilderPrune};
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};

const TABLE: &str = "{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsed}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "ID"),
    ("Reclaimable", "RECLAIMABLE"),
    ("Size", "SIZE"),
    ("LastUsed", "LAST ACCESSED"),
    ("Description", "DESCRIPTION"),
    ("CreatedAt", "CREATED AT"),
    ("UsageCount", "USAGE COUNT"),
    ("Shared", "SHARED"),
    ("Type", "TYPE"),
    ("Parent", "PARENT"),
];

/// `builder du`
pub(super) async fn usage(host: &Host, args: BuilderDu) -> Result<()> {
    if args.verbose && args.format.is_some() {
        bail!("conflicting options: --verbose and --format");
    }
    let format = Format::parse(args.format.as_deref(), TABLE)?;
    let wanted = CachePruneOptions { all: true, ..filters(&args.filter)? };
    let mut all = host.images().await?.cache_usage().await?;
    all.retain(|one| wanted.takes(one));
    if args.verbose {
        all.iter().for_each(tell);
    } else {
        let rows: Vec<Value> = all.iter().map(row).collect();
        print!("{}", format.list(&rows, HEADINGS)?);
    }
    if args.format.is_none() {
        let sum = |shared: bool| -> u64 {
            all.iter().filter(|one| one.shared == shared).map(|one| one.size).sum()
        };
        let (shared, private) = (sum(true), sum(false));
        println!("Shared:\t\t{}", size::decimal(shared));
        println!("Private:\t{}", size::decimal(private));
        println!("Reclaimable:\t{}", size::decimal(private));
        println!("Total:\t\t{}", size::decimal(shared + private));
    }
    Ok(())
}

/// `builder prune`
pub(super) async fn prune(host: &Host, args: BuilderPrune) -> Result<()> {
    let keep = args.keep_storage.as_deref().map(size::parse).transpose()?.unwrap_or(0);
    let options = CachePruneOptions { all: args.all, keep, ..filters(&args.filter)? };
    let what = if args.all { "all layers of builds." } else { "all layers that only builds use." };
    if !args.force && !asking::asked(what)? {
        return Ok(());
    }
    let (gone, reclaimed) = clear(host, options).await?;
    if args.verbose {
        gone.iter().for_each(tell);
    } else if !gone.is_empty() {
        let rows: Vec<Value> = gone.iter().map(row).collect();
        print!("{}", Format::parse(None, TABLE)?.list(&rows, HEADINGS)?);
    }
    println!("Total:\t{}", size::decimal(reclaimed));
    Ok(())
}

/// Removes layers of builds; gives them, and the bytes that this gave back.
pub(super) async fn clear(
    host: &Host,
    options: CachePruneOptions,
) -> Result<(Vec<CacheUsage>, u64)> {
    // What killed builds left holds layers too.
    // Nothing is run, so no drive is needed.
    build::executor(host, std::path::PathBuf::new()).sweep().await?;
    Ok(host.images().await?.prune_cache(options).await?)
}

/// How a layer of builds is known.
pub(super) fn id(one: &CacheUsage) -> String {
    one.record.key.hex()[..25].to_owned()
}

fn filters(given: &[String]) -> Result<CachePruneOptions> {
    let mut options = CachePruneOptions::default();
    for filter in given {
        let (key, value) = filter.split_once('=').unwrap_or((filter, "true"));
        let truth = || match value {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => bail!("invalid filter '{filter}': \"{other}\" is neither true nor false"),
        };
        match key {
            "id" => options.ids.push(value.to_owned()),
            "description" => options.descriptions.push(value.to_owned()),
            "shared" => options.shared = Some(truth()?),
            "private" => options.shared = Some(!truth()?),
            "until" | "unused-for" => match time::duration(value) {
                Some(age) => options.unused_for = Some(age),
                None => bail!("invalid filter '{filter}': a duration as 24h is wanted"),
            },
            _ => bail!(
                "invalid filter '{filter}': id, until, unused-for, description, shared and private \
                 are known"
            ),
        }
    }
    Ok(options)
}

fn row(one: &CacheUsage) -> Value {
    let record = &one.record;
    let ago = |at: Timestamp| format!("{} ago", time::roughly(time::since(at)));
    json!({
        "ID": id(one),
        "Reclaimable": (!one.shared).to_string(),
        "Shared": one.shared.to_string(),
        "Size": size::decimal(one.size),
        "LastUsed": ago(record.used),
        "CreatedAt": record.added.to_string(),
        "Description": record.description,
        "UsageCount": record.uses.to_string(),
        "Type": "regular",
        "Parent": record.parent.as_ref().map(image::Digest::short).unwrap_or_default(),
    })
}

fn tell(one: &CacheUsage) {
    let record = &one.record;
    let parent = record.parent.as_ref().map(ToString::to_string).unwrap_or_default();
    let lines = [
        ("ID", record.key.hex().to_owned()),
        ("Parent", parent),
        ("Created at", record.added.to_string()),
        ("Mutable", "false".to_owned()),
        ("Reclaimable", (!one.shared).to_string()),
        ("Shared", one.shared.to_string()),
        ("Size", size::decimal(one.size)),
        ("Description", record.description.clone()),
        ("Usage count", record.uses.to_string()),
        ("Last used", record.used.to_string()),
        ("Type", "regular".to_owned()),
    ];
    for (name, value) in lines {
        println!("{:<16}{value}", format!("{name}:"));
    }
    println!();
}
