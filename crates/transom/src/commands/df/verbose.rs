//! `system df --verbose`: a table each of images, containers, volumes and layers of builds.

use std::collections::BTreeMap;

use anyhow::Result;
use image::Image;
use serde_json::{Value, json};

use crate::commands::ps;
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};
use crate::store::record::short;
use crate::store::{Found, tree_size};

const IMAGES: &str = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t\
                      {{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINERS: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t\
                          {{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const VOLUMES: &str = "{{.Name}}\t{{.Links}}\t{{.Size}}";
const CACHE: &str = "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t\
                     {{.UsageCount}}\t{{.Shared}}";
const HEADINGS: &[(&str, &str)] = &[
    ("Repository", "REPOSITORY"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
    ("CreatedSince", "CREATED"),
    ("RunningFor", "CREATED"),
    ("LocalVolumes", "LOCAL VOLUMES"),
    ("CacheType", "CACHE TYPE"),
    ("LastUsedSince", "LAST USED"),
    ("UsageCount", "USAGE"),
];

pub(super) async fn tell(host: &Host) -> Result<()> {
    let found = host.list().await?;
    let store = host.images().await?;
    let rows = images(&store.images().await?, &found);
    section("Images", IMAGES, ("ID", "IMAGE ID"), &rows)?;
    let rows: Vec<Value> = found.iter().map(container).collect();
    section("Containers", CONTAINERS, ("ID", "CONTAINER ID"), &rows)?;
    let rows = volumes(host, &found)?;
    section("Local Volumes", VOLUMES, ("Name", "VOLUME NAME"), &rows)?;
    let layers = store.cache_usage().await?;
    let own = layers.iter().filter(|one| !one.shared).map(|one| one.size).sum();
    println!("Build cache usage: {}\n", size::decimal(own));
    table(CACHE, ("ID", "CACHE ID"), &layers.iter().map(layer).collect::<Vec<_>>())
}

fn section(what: &str, columns: &str, first: (&str, &str), rows: &[Value]) -> Result<()> {
    println!("{what} space usage:\n");
    table(columns, first, rows)?;
    println!();
    Ok(())
}

fn table(columns: &str, first: (&str, &str), rows: &[Value]) -> Result<()> {
    let headings: Vec<(&str, &str)> = HEADINGS.iter().copied().chain([first]).collect();
    print!("{}", Format::parse(None, columns)?.list(rows, &headings)?);
    Ok(())
}

/// A layer that several images have is shared by them.
fn images(all: &[Image], found: &[Found]) -> Vec<Value> {
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for image in all {
        for layer in image.chain_ids() {
            *holders.entry(layer.to_string()).or_default() += 1;
        }
    }
    let row = |image: &Image| {
        let layers = image.chain_ids().into_iter().zip(&image.sizes);
        let shared = layers.filter(|(layer, _)| holders[&layer.to_string()] > 1);
        let shared = shared.map(|(_, size)| size).sum::<u64>();
        let id = image.id.to_string();
        let name = image.names.first();
        json!({
            "Repository": name.map_or("<none>".to_owned(), image::ImageName::familiar_repository),
            "Tag": name.and_then(image::ImageName::tag).unwrap_or("<none>"),
            "ID": short(&id),
            "CreatedSince": ago(image.created().unwrap_or(image.added)),
            "Size": size::decimal(image.size),
            "SharedSize": size::decimal(shared),
            "UniqueSize": size::decimal(image.size.saturating_sub(shared)),
            "Containers": found.iter().filter(|one| one.record.image_id == id).count(),
        })
    };
    all.iter().map(row).collect()
}

fn container(found: &Found) -> Value {
    let record = &found.record;
    let bytes = tree_size(&found.folder.scratch().join("upper"));
    json!({
        "ID": record.short_id(),
        "Image": record.config.image,
        "Command": ps::shown_command(record),
        "LocalVolumes": record.mounts.iter().filter(|mount| mount.name.is_some()).count(),
        "Size": size::decimal(bytes),
        "RunningFor": ago(record.created),
        "Status": ps::status(&found.state),
        "Names": record.name,
    })
}

fn volumes(host: &Host, found: &[Found]) -> Result<Vec<Value>> {
    let links = |name: &str| {
        let mounts = found.iter().flat_map(|one| &one.record.mounts);
        mounts.filter(|mount| mount.name.as_deref() == Some(name)).count()
    };
    let row = |one: crate::store::volumes::Volume| {
        let bytes = tree_size(&host.volumes.data(&one.name));
        json!({
            "Name": one.name, "Links": links(&one.name), "Size": size::decimal(bytes),
        })
    };
    Ok(host.volumes.list()?.into_iter().map(row).collect())
}

fn layer(one: &image::CacheUsage) -> Value {
    json!({
        "ID": short(&one.record.key.to_string()),
        "CacheType": "regular",
        "Size": size::decimal(one.size),
        "CreatedSince": ago(one.record.added),
        "LastUsedSince": ago(one.record.used),
        "UsageCount": one.record.uses,
        "Shared": one.shared,
    })
}

fn ago(at: jiff::Timestamp) -> String {
    format!("{} ago", time::roughly(time::since(at)))
}
