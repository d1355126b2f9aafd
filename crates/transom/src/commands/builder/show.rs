//! How what builds keep is shown: buildx' table, its JSON, and all that is known.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::entries::Entry;
use crate::format::Format;
use crate::settings::{size, time};

const TABLE: &str = "{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsed}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "ID"),
    ("Reclaimable", "RECLAIMABLE"),
    ("Size", "SIZE"),
    ("LastUsed", "LAST ACCESSED"),
    ("LastUsedAt", "LAST ACCESSED AT"),
    ("Description", "DESCRIPTION"),
    ("CreatedAt", "CREATED AT"),
    ("UsageCount", "USAGE COUNT"),
    ("Shared", "SHARED"),
    ("Mutable", "MUTABLE"),
    ("InUse", "IN USE"),
    ("Type", "TYPE"),
    ("Parents", "PARENTS"),
];

/// A row each, or a line of JSON, or whatever a template makes of it. Only to people ids have a `*`
/// behind them where what they name may change yet.
pub(super) fn table(all: &[Entry], format: Option<&str>) -> Result<String> {
    let mut rows: Vec<Value> = all.iter().map(row).collect();
    if format.is_none() {
        for (row, _) in rows.iter_mut().zip(all).filter(|(_, one)| one.mutable) {
            row["ID"] = format!("{}*", row["ID"].as_str().unwrap_or_default()).into();
        }
    }
    Format::parse(format, TABLE)?.list(&rows, HEADINGS)
}

/// All that is known of one.
pub(super) fn tell(one: &Entry) {
    let parents = one.parents.join(", ");
    let lines = [
        ("ID", one.id.clone()),
        ("Parents", parents),
        ("Created at", one.created.to_string()),
        ("Mutable", one.mutable.to_string()),
        ("Reclaimable", is_reclaimable(one).to_string()),
        ("Shared", one.shared.to_string()),
        ("Size", size::decimal(one.size)),
        ("Description", one.description.clone()),
        ("Usage count", one.uses.to_string()),
        ("Last used", ago(one.used)),
        ("Type", one.kind.to_owned()),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        println!("{:<16}{value}", format!("{name}:"));
    }
    println!();
}

/// What it all comes to.
pub(super) fn sums(all: &[Entry]) {
    let sum = |takes: &dyn Fn(&&Entry) -> bool| -> String {
        size::decimal(all.iter().filter(takes).map(|one| one.size).sum())
    };
    println!("Shared:\t\t{}", sum(&|one| one.shared));
    println!("Private:\t{}", sum(&|one| !one.shared));
    println!("Reclaimable:\t{}", sum(&|one| is_reclaimable(one)));
    println!("Total:\t\t{}", sum(&|_| true));
}

fn is_reclaimable(one: &Entry) -> bool {
    !one.in_use && !one.shared
}

fn ago(at: Timestamp) -> String {
    format!("{} ago", time::roughly(time::since(at)))
}

fn row(one: &Entry) -> Value {
    json!({
        "ID": one.id,
        "Parents": one.parents.join(","),
        "Reclaimable": is_reclaimable(one).to_string(),
        "Shared": one.shared.to_string(),
        "Mutable": one.mutable.to_string(),
        "InUse": one.in_use.to_string(),
        "Size": size::decimal(one.size),
        "LastUsed": ago(one.used),
        "LastUsedAt": one.used.to_string(),
        "CreatedAt": one.created.to_string(),
        "Description": one.description,
        "UsageCount": one.uses.to_string(),
        "Type": one.kind,
    })
}
