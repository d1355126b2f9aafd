//! `network ls`

use anyhow::{Context, Result, bail};
use engine::Definition;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::settings::ListFlags;
use crate::format::Format;
use crate::host::Host;
use crate::store::record::short;

const TABLE: &str = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "NETWORK ID"),
    ("Name", "NAME"),
    ("Driver", "DRIVER"),
    ("Scope", "SCOPE"),
    ("IPv6", "IPV6"),
    ("Internal", "INTERNAL"),
    ("Labels", "LABELS"),
    ("CreatedAt", "CREATED AT"),
];

/// `network ls`
pub(super) async fn command(host: &Host, args: ListFlags) -> Result<()> {
    let filters: Vec<(&str, &str)> =
        args.filter.iter().map(|text| filter(text)).collect::<Result<_>>()?;
    let used: Vec<String> = host
        .list()
        .await?
        .into_iter()
        .flat_map(|found| found.record.networks.into_keys())
        .collect();
    let mut networks = super::all(host).await?;
    networks.retain(|network| holds(network, &filters, used.contains(&network.name)));
    let id = |network: &Definition| {
        if args.no_trunc { network.id.clone() } else { short(&network.id).to_owned() }
    };
    if args.quiet {
        for network in &networks {
            println!("{}", id(network));
        }
        return Ok(());
    }
    let rows: Vec<Value> = networks.iter().map(|network| row(network, &id(network))).collect();
    print!("{}", Format::parse(args.format.as_deref(), TABLE)?.list(&rows, HEADINGS)?);
    Ok(())
}

fn row(network: &Definition, id: &str) -> Value {
    let labels: Vec<String> =
        network.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "ID": id,
        "Name": network.name,
        "Driver": network.driver,
        "Scope": "local",
        "IPv6": "false",
        "Internal": network.internal.to_string(),
        "Labels": labels.join(","),
        "CreatedAt": created(network),
    })
}

/// When it was made, as docker writes it.
pub(super) fn created(network: &Definition) -> String {
    let second = i64::try_from(network.created_unix).unwrap_or_default();
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn filter(text: &str) -> Result<(&str, &str)> {
    let (key, value) = text
        .split_once('=')
        .with_context(|| format!("invalid filter '{text}': KEY=VALUE is wanted"))?;
    let known = ["dangling", "driver", "id", "label", "name", "scope", "type"];
    if !known.contains(&key) {
        bail!("invalid filter '{key}': {} are known", known.join(", "));
    }
    if key == "type" && !matches!(value, "custom" | "builtin") {
        bail!("invalid filter '{text}': custom or builtin is wanted");
    }
    if key == "dangling" && !matches!(value, "true" | "false" | "1" | "0") {
        bail!("invalid filter '{text}': true or false is wanted");
    }
    Ok((key, value))
}

/// Of one key any filter will do, of several keys each must; every label must be there.
fn holds(network: &Definition, filters: &[(&str, &str)], used: bool) -> bool {
    let fits = |(key, value): &(&str, &str)| match *key {
        "driver" => network.driver == *value,
        "id" => network.id.starts_with(value),
        "name" => network.name.contains(value),
        "scope" => *value == "local",
        "type" => super::is_predefined(&network.name) == (*value == "builtin"),
        "dangling" => {
            let dangling = !used && !super::is_predefined(&network.name);
            dangling == matches!(*value, "true" | "1")
        }
        _ => crate::commands::volume::has_label(&network.labels, value),
    };
    filters.iter().all(|filter| {
        let alike = filters.iter().filter(|other| other.0 == filter.0);
        if filter.0 == "label" { fits(filter) } else { alike.into_iter().any(fits) }
    })
}
