//! `images`, `tag`, `rmi`

use anyhow::{Result, bail};
use image::{Image, ImageName, RemoveOptions, Removed};
use serde_json::{Value, json};

use super::Status;
use crate::cli::image::{Images, Rmi, Tag};
use crate::format::Format;
use crate::host::Host;
use crate::settings::{size, time};
use crate::store::record::short;

const TABLE: &str = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
const TABLE_DIGESTS: &str =
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
const HEADINGS: &[(&str, &str)] = &[
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("ID", "IMAGE ID"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
];
const NONE: &str = "<none>";

/// `images`
pub(super) async fn list(host: &Host, args: Images) -> Result<()> {
    let format =
        Format::parse(args.format.as_deref(), if args.digests { TABLE_DIGESTS } else { TABLE })?;
    let (references, dangling) = filters(&args)?;
    let mut rows = Vec::new();
    for image in host.images().await?.images().await? {
        if dangling.is_some_and(|dangling| dangling != image.names.is_empty()) {
            continue;
        }
        rows.extend(rows_of(&image, &args, &references));
    }
    if args.quiet {
        let mut ids: Vec<&str> = rows.iter().filter_map(|row| row["ID"].as_str()).collect();
        ids.dedup();
        for id in ids {
            println!("{id}");
        }
        return Ok(());
    }
    print!("{}", format.list(&rows, HEADINGS)?);
    Ok(())
}

fn filters(args: &Images) -> Result<(Vec<String>, Option<bool>)> {
    let mut references: Vec<String> = args.repository.iter().cloned().collect();
    let mut dangling = None;
    for filter in &args.filter {
        match filter.split_once('=') {
            Some(("reference", pattern)) => references.push(pattern.to_owned()),
            Some(("dangling", value)) => dangling = Some(matches!(value, "true" | "1")),
            _ => bail!("invalid filter '{filter}': reference and dangling are known"),
        }
    }
    Ok((references, dangling))
}

/// One row a name.
fn rows_of(image: &Image, args: &Images, references: &[String]) -> Vec<Value> {
    let shown = |name: &&ImageName| {
        references.is_empty() || references.iter().any(|pattern| is_meant(name, pattern))
    };
    let mut rows: Vec<Value> =
        image.names.iter().filter(shown).map(|name| row(image, Some(name), args)).collect();
    if image.names.is_empty() && references.is_empty() {
        rows.push(row(image, None, args));
    }
    rows
}

fn row(image: &Image, name: Option<&ImageName>, args: &Images) -> Value {
    let created = image.created().unwrap_or(image.added);
    let id = image.id.to_string();
    let digest = image.digests.first().and_then(ImageName::digest);
    json!({
        "ID": if args.no_trunc { id.as_str() } else { short(&id) },
        "Repository": name.map_or(NONE.to_owned(), ImageName::familiar_repository),
        "Tag": name.and_then(ImageName::tag).unwrap_or(NONE),
        "Digest": digest.map_or(NONE.to_owned(), ToString::to_string),
        "CreatedSince": format!("{} ago", time::roughly(time::since(created))),
        "CreatedAt": created.to_string(),
        "Size": size::decimal(image.size),
        "Containers": "N/A",
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
        "VirtualSize": size::decimal(image.size),
    })
}

/// A repository, a repository and a tag, or either with `*` in it.
fn is_meant(name: &ImageName, pattern: &str) -> bool {
    let (repository, whole) = (name.familiar_repository(), name.familiar());
    let canonical = name.canonical();
    [repository.as_str(), whole.as_str(), canonical.as_str()]
        .iter()
        .any(|text| is_like(text.as_bytes(), pattern.as_bytes()))
}

/// `*` stands for anything but `/`, `?` for one character.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            is_like(text, rest)
                || text
                    .split_first()
                    .is_some_and(|(c, after)| *c != b'/' && is_like(after, pattern))
        }
        (Some((b'?', rest)), Some((_, after))) => is_like(after, rest),
        (Some((wanted, rest)), Some((found, after))) => wanted == found && is_like(after, rest),
        _ => false,
    }
}

/// `tag`
pub(super) async fn tag(host: &Host, args: Tag) -> Result<()> {
    let images = host.images().await?;
    let name = images.tag(&args.source, &args.target).await?;
    let image = images.resolve(&args.source).await?;
    host.events.image(&image.id.to_string(), "tag", &name.familiar());
    Ok(())
}

/// `rmi`
pub(super) async fn rmi(host: &Host, args: Rmi) -> Result<()> {
    let images = host.images().await?;
    let mut failed = false;
    for name in &args.images {
        match images.remove(name, RemoveOptions { force: args.force }).await {
            Ok(removed) => tell(host, &removed),
            Err(error) if args.force && error.is_not_found() => eprintln!("transom: {error}"),
            Err(error) => {
                eprintln!("transom: {:#}", anyhow::Error::from(error));
                failed = true;
            }
        }
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}

/// Says what was removed.
fn tell(host: &Host, removed: &[Removed]) {
    for one in removed {
        match one {
            Removed::Untagged(name) => println!("Untagged: {}", name.familiar()),
            Removed::Deleted(id) => println!("Deleted: {id}"),
        }
    }
    note(host, removed);
}

/// Makes events of what was removed.
pub(super) fn note(host: &Host, removed: &[Removed]) {
    for one in removed {
        match one {
            Removed::Untagged(name) => {
                host.events.image(&name.familiar(), "untag", &name.familiar());
            }
            Removed::Deleted(id) => host.events.image(id.as_str(), "delete", id.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_a_slash() {
        assert!(is_like(b"transom/base", b"transom/*"));
        assert!(is_like(b"node:20", b"node:??"));
        assert!(!is_like(b"a/b/c", b"a/*"));
        assert!(!is_like(b"node", b"nod"));
    }
}
