//! `network ls`

use anyhow::Result;
use engine::Definition;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::settings::ListFlags;
use crate::commands::filters::{self, ListFilters};
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
    let known = ["dangling", "driver", "id", "label", "name", "scope", "type"];
    let filters = ListFilters::parse(&args.filter, &known)?;
    let used: Vec<String> = host
        .list()
        .await?
        .into_iter()
        .flat_map(|found| found.record.networks.into_keys())
        .collect();
    let mut networks = super::all(host).await?;
    networks.retain(|network| {
        let dangling = !used.contains(&network.name) && !super::is_predefined(&network.name);
        filters.hold(&network.labels, dangling, |key, value| match key {
            "driver" => network.driver == value,
            "id" => network.id.starts_with(value),
            "name" => network.name.contains(value),
            "scope" => value == "local",
            _ => super::is_predefined(&network.name) == (value == "builtin"),
        })
    });
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
    json!({
        "ID": id,
        "Name": network.name,
        "Driver": network.driver,
        "Scope": "local",
        "IPv6": "false",
        "Internal": network.internal.to_string(),
        "Labels": filters::shown(&network.labels),
        "CreatedAt": created(network),
    })
}

/// When it was made, as docker writes it.
pub(super) fn created(network: &Definition) -> String {
    let second = i64::try_from(network.created_unix).unwrap_or_default();
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
