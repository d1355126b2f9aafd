//! `ps`

mod filters;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use self::filters::Filters;

use crate::cli::container::Ps;
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};
use crate::store::health::Health;
use crate::store::{Found, Record, State, Status};

const TABLE: &str =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "CONTAINER ID"),
    ("Image", "IMAGE"),
    ("Command", "COMMAND"),
    ("RunningFor", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Status", "STATUS"),
    ("State", "STATE"),
    ("Ports", "PORTS"),
    ("Names", "NAMES"),
    ("Size", "SIZE"),
    ("Mounts", "MOUNTS"),
    ("Labels", "LABELS"),
    ("Networks", "NETWORKS"),
    ("LocalVolumes", "LOCAL VOLUMES"),
];

/// `ps`
pub(super) async fn command(host: &Host, args: Ps) -> Result<()> {
    let filters = Filters::parse(host, &args.filter).await?;
    let last = if args.latest { Some(1) } else { args.last };
    let all = args.all || last.is_some() || filters.ask_for_ended();
    let mut found = host.list().await?;
    found.retain(|found| (all || found.state.status.is_active()) && filters.hold(found));
    if let Some(last) = last {
        found.truncate(last);
    }
    if args.quiet {
        for one in &found {
            println!("{}", if args.no_trunc { &one.record.id } else { one.record.short_id() });
        }
        return Ok(());
    }
    let table = if args.size { format!("{TABLE}\t{{{{.Size}}}}") } else { TABLE.to_owned() };
    let format = Format::parse(args.format.as_deref(), &table)?;
    // A template that shows sizes asks for them.
    let shows_size = args.format.as_ref().is_some_and(|format| format.contains(".Size"));
    let sizes = if args.size || shows_size { Some(image_sizes(host).await?) } else { None };
    let rows: Vec<Value> = found.iter().map(|one| row(one, &args, sizes.as_ref())).collect();
    print!("{}", format.list(&rows, HEADINGS)?);
    Ok(())
}

/// By id, what each image takes.
async fn image_sizes(host: &Host) -> Result<BTreeMap<String, u64>> {
    let images = host.images().await?.images().await?;
    Ok(images.into_iter().map(|image| (image.id.to_string(), image.size)).collect())
}

fn row(found: &Found, args: &Ps, images: Option<&BTreeMap<String, u64>>) -> Value {
    let (record, state) = (&found.record, &found.state);
    let command =
        if args.no_trunc { format!("\"{}\"", words(record)) } else { shown_command(record) };
    let volumes = record.mounts.iter().filter(|mount| mount.name.is_some());
    let mounts: Vec<&str> =
        record.mounts.iter().map(|mount| mount.name.as_deref().unwrap_or(&mount.source)).collect();
    let labels: Vec<String> =
        record.config.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let id = if args.no_trunc { &record.id } else { record.short_id() };
    let mut row = json!({
        "Command": command,
        "CreatedAt": time::shown(record.created),
        "ID": id,
        "Image": record.config.image,
        "Labels": labels.join(","),
        "LocalVolumes": volumes.count().to_string(),
        "Mounts": mounts.join(","),
        "Names": record.name,
        "Networks": networks(record).join(","),
        "Ports": ports(state),
        "RunningFor": format!("{} ago", time::roughly(time::since(record.created))),
        "State": state.status.as_str(),
        "Status": status(state),
    });
    row["Size"] = match images {
        Some(images) => {
            let own = crate::store::tree_size(&found.folder.scratch().join("upper"));
            let whole = own + images.get(&record.image_id).copied().unwrap_or_default();
            format!("{} (virtual {})", size::decimal(own), size::decimal(whole)).into()
        }
        None => size::decimal(0).into(),
    };
    row
}

/// The networks that it is on, or the mode that stands for them.
fn networks(record: &Record) -> Vec<&str> {
    if record.networks.is_empty() {
        vec![&record.host_config.network_mode.0]
    } else {
        record.networks.keys().map(String::as_str).collect()
    }
}

/// The beginning of what it runs.
pub(super) fn shown_command(record: &Record) -> String {
    format!("\"{}\"", ellipsis(&words(record), 20))
}

/// Program and arguments, as they were typed.
fn words(record: &Record) -> String {
    let words = std::iter::once(&record.path).chain(&record.args);
    words.cloned().collect::<Vec<_>>().join(" ")
}

fn ellipsis(text: &str, limit: usize) -> String {
    if text.chars().count() > limit {
        text.chars().take(limit - 1).chain(['\u{2026}']).collect()
    } else {
        text.to_owned()
    }
}

/// `Up 5 minutes`, `Exited (1) 3 hours ago`, ...
pub(super) fn status(state: &State) -> String {
    let ago = |at: Option<jiff::Timestamp>| {
        at.map_or_else(|| "Less than a second".to_owned(), |at| time::roughly(time::since(at)))
    };
    match state.status {
        Status::Created => "Created".to_owned(),
        Status::Running => {
            let health = state.health.as_ref().map_or("", Health::remark);
            format!("Up {}{health}", ago(state.started_at))
        }
        Status::Paused => format!("Up {} (Paused)", ago(state.started_at)),
        Status::Restarting => {
            format!("Restarting ({}) {} ago", state.exit_code, ago(state.finished_at))
        }
        Status::Exited => format!("Exited ({}) {} ago", state.exit_code, ago(state.finished_at)),
        Status::Dead => "Dead".to_owned(),
    }
}

fn ports(state: &State) -> String {
    let mut all: Vec<String> = state
        .endpoints
        .iter()
        .flat_map(|endpoint| &endpoint.ports)
        .map(|port| {
            let ip = port.host_ip.map_or_else(|| "0.0.0.0".to_owned(), |ip| ip.to_string());
            format!("{ip}:{}->{}/{}", port.host_port, port.container_port, port.protocol)
        })
        .collect();
    all.sort_unstable();
    all.join(", ")
}
