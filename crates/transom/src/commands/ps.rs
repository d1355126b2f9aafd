//! `ps`

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cli::container::Ps;
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};
use crate::store::health::Health;
use crate::store::record::short;
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
    let filters: Vec<Filter<'_>> =
        args.filter.iter().map(|text| Filter::parse(text)).collect::<Result<_>>()?;
    let last = if args.latest { Some(1) } else { args.last };
    let asks_state = filters.iter().any(|filter| matches!(filter.key, "status" | "exited"));
    let all = args.all || last.is_some() || asks_state;
    let mut found = host.list().await?;
    let bounds = bounds(host, &filters).await?;
    found.retain(|found| (all || found.state.status.is_active()) && bounds.hold(&found.record));
    found.retain(|found| matches(found, &filters));
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
    let mut rows = Vec::with_capacity(found.len());
    for one in &found {
        rows.push(row(one, &args)?);
    }
    print!("{}", format.list(&rows, HEADINGS)?);
    Ok(())
}

fn row(found: &Found, args: &Ps) -> Result<Value> {
    let (record, state) = (&found.record, &found.state);
    let command = words(record);
    let command = if args.no_trunc { command } else { ellipsis(&command, 20) };
    let volumes = record.mounts.iter().filter(|mount| mount.name.is_some());
    let mounts: Vec<&str> =
        record.mounts.iter().map(|mount| mount.name.as_deref().unwrap_or(&mount.source)).collect();
    let labels: Vec<String> =
        record.config.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let id = if args.no_trunc { &record.id } else { record.short_id() };
    let mut row = json!({
        "Command": format!("\"{command}\""),
        "CreatedAt": record.created.to_string(),
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
    let upper = found.folder.scratch().join("upper");
    let bytes = if args.size { crate::store::tree_size(&upper)? } else { 0 };
    row["Size"] = size::decimal(bytes).into();
    Ok(row)
}

/// The networks that it is on, or the mode that stands for them.
fn networks(record: &Record) -> Vec<&str> {
    if record.networks.is_empty() {
        vec![&record.host_config.network_mode.0]
    } else {
        record.networks.keys().map(String::as_str).collect()
    }
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

/// `key=value`
#[derive(Debug)]
struct Filter<'a> {
    key: &'a str,
    value: &'a str,
}

const KEYS: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "health",
    "id",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

impl<'a> Filter<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("invalid filter '{text}': KEY=VALUE is wanted"))?;
        if !KEYS.contains(&key) {
            bail!("invalid filter '{key}': {} are known", KEYS.join(", "));
        }
        if key == "exited" && value.parse::<u32>().is_err() {
            bail!("invalid filter '{text}': an exit code is wanted");
        }
        Ok(Self { key, value })
    }

    fn holds(&self, found: &Found) -> bool {
        let (record, state, value) = (&found.record, &found.state, self.value);
        match self.key {
            "id" => record.id.starts_with(value),
            "name" => {
                record.name.contains(value.trim_start_matches(['/', '^']).trim_end_matches('$'))
            }
            "status" => state.status.as_str() == value,
            "exited" => state.status == Status::Exited && value.parse() == Ok(state.exit_code),
            "label" => match value.split_once('=') {
                Some((name, value)) => record.config.labels.get(name).is_some_and(|v| v == value),
                None => record.config.labels.contains_key(value),
            },
            "ancestor" => {
                let image = &record.config.image;
                image == value
                    || image.strip_suffix(":latest") == Some(value)
                    || value.strip_suffix(":latest") == Some(image)
                    || short(&record.image_id).starts_with(short(value))
            }
            "network" => networks(record).contains(&value),
            "health" => {
                state.health.as_ref().map_or("none", |health| health.status.as_str()) == value
            }
            "isolation" => record.host_config.isolation.0.eq_ignore_ascii_case(value),
            "publish" => state.endpoints.iter().flat_map(|endpoint| &endpoint.ports).any(|port| {
                let number = value.split('/').next().unwrap_or(value);
                port.host_port.to_string() == number
            }),
            "volume" => record.mounts.iter().any(|mount| {
                mount.name.as_deref() == Some(value)
                    || mount.destination.eq_ignore_ascii_case(value)
            }),
            // These compare with another container, which `Bounds` has found.
            _ => true,
        }
    }
}

/// Of one key any filter will do, of several keys each must.
fn matches(found: &Found, filters: &[Filter<'_>]) -> bool {
    filters.iter().all(|filter| {
        let alike = filters.iter().filter(|other| other.key == filter.key);
        // Labels are the exception: each must be there.
        if filter.key == "label" {
            filter.holds(found)
        } else {
            alike.into_iter().any(|one| one.holds(found))
        }
    })
}

/// Between which moments a container must have been made.
#[derive(Debug, Default)]
struct Bounds {
    since: Option<jiff::Timestamp>,
    before: Option<jiff::Timestamp>,
}

impl Bounds {
    fn hold(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| record.created > since)
            && self.before.is_none_or(|before| record.created < before)
    }
}

async fn bounds(host: &Host, filters: &[Filter<'_>]) -> Result<Bounds> {
    let mut bounds = Bounds::default();
    for filter in filters {
        match filter.key {
            "since" => bounds.since = Some(host.find(filter.value).await?.record.created),
            "before" => bounds.before = Some(host.find(filter.value).await?.record.created),
            _ => {}
        }
    }
    Ok(bounds)
}
