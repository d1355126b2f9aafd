//! `history`

use anyhow::Result;
use image::Image;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::build::History;
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};

const TABLE: &str = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const TABLE_EXACT: &str = "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "IMAGE"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
    ("Size", "SIZE"),
    ("Comment", "COMMENT"),
];
/// As much of an instruction as docker's table shows.
const SHOWN: usize = 45;

/// Prints how an image was made, the last step first.
pub(super) async fn command(host: &Host, args: History) -> Result<()> {
    let format =
        Format::parse(args.format.as_deref(), if args.human { TABLE } else { TABLE_EXACT })?;
    let image = host.images().await?.resolve(&args.image).await?;
    let rows = rows(&image, &args);
    if args.quiet {
        rows.iter().filter_map(|row| row["ID"].as_str()).for_each(|id| println!("{id}"));
    } else {
        print!("{}", format.list(&rows, HEADINGS)?);
    }
    Ok(())
}

fn rows(image: &Image, args: &History) -> Vec<Value> {
    let mut sizes = image.sizes.iter();
    let mut rows = Vec::new();
    for entry in &image.config.history {
        let empty = entry.empty_layer == Some(true);
        let bytes = if empty { 0 } else { sizes.next().copied().unwrap_or_default() };
        let created = entry.created.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let since = |at| format!("{} ago", time::roughly(time::since(at)));
        rows.push(json!({
            "ID": "<missing>",
            "CreatedSince": created.map_or_else(|| "N/A".to_owned(), since),
            "CreatedAt": entry.created.as_deref().unwrap_or_default(),
            "CreatedBy": shown(entry.created_by.as_deref().unwrap_or_default(), args.no_trunc),
            "Size": if args.human { size::decimal(bytes) } else { bytes.to_string() },
            "Comment": entry.comment.as_deref().unwrap_or_default(),
        }));
    }
    rows.reverse();
    if let Some(last) = rows.first_mut() {
        let id = if args.no_trunc { image.id.as_str() } else { image.id.short() };
        last["ID"] = id.into();
    }
    rows
}

fn shown(by: &str, whole: bool) -> String {
    let by = by.replace(['\n', '\t'], " ");
    match by.char_indices().nth(SHOWN) {
        Some(_) if !whole => by.chars().take(SHOWN - 1).chain(['…']).collect(),
        _ => by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_instruction_is_cut_unless_all_is_asked_for() {
        let long = "x".repeat(60);
        assert_eq!(shown(&long, false), "x".repeat(44) + "…");
        assert_eq!(shown(&long, true), long);
        assert_eq!(shown("a\tb\nc", false), "a b c");
    }
}
