//! `images`, `tag`, `rmi`

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use image::{Image, ImageName, RemoveOptions, Removed};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Status;
use super::filters::has_label;
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
    let images = host.images().await?;
    let wanted = Wanted::parse(&images, &args).await?;
    let mut rows = Vec::new();
    for image in images.images().await? {
        if wanted.takes(&image) {
            rows.extend(rows_of(&image, &args, &wanted.references));
        }
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

/// Which images are meant.
#[derive(Debug, Default)]
struct Wanted {
    references: Vec<String>,
    labels: Vec<String>,
    dangling: Option<bool>,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
}

impl Wanted {
    async fn parse(images: &image::Store, args: &Images) -> Result<Self> {
        let references = args.repository.iter().cloned().collect();
        let mut wanted = Self { references, ..Self::default() };
        for filter in &args.filter {
            match filter.split_once('=') {
                Some(("reference", pattern)) => wanted.references.push(pattern.to_owned()),
                Some(("dangling", "true" | "1")) => wanted.dangling = Some(true),
                Some(("dangling", "false" | "0")) => wanted.dangling = Some(false),
                Some(("label", label)) => wanted.labels.push(label.to_owned()),
                Some(("before", image)) => wanted.before(made(&images.resolve(image).await?)),
                Some(("since", image)) => wanted.since(made(&images.resolve(image).await?)),
                Some(("until", moment)) => wanted.before(time::parse(moment)?),
                _ => bail!(
                    "invalid filter '{filter}': reference, dangling, label, before, since and until \
                     are known, as KEY=VALUE"
                ),
            }
        }
        Ok(wanted)
    }

    /// Of several moments all must hold.
    fn before(&mut self, moment: Timestamp) {
        self.before = Some(self.before.map_or(moment, |other| other.min(moment)));
    }

    fn since(&mut self, moment: Timestamp) {
        self.since = Some(self.since.map_or(moment, |other| other.max(moment)));
    }

    fn takes(&self, image: &Image) -> bool {
        let none = BTreeMap::new();
        let labels = image.config.config.labels.as_ref().unwrap_or(&none);
        self.dangling.is_none_or(|dangling| dangling == image.names.is_empty())
            && self.labels.iter().all(|label| has_label(labels, label))
            && self.before.is_none_or(|before| made(image) < before)
            && self.since.is_none_or(|since| made(image) > since)
    }
}

fn made(image: &Image) -> Timestamp {
    image.created().unwrap_or(image.added)
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
    let created = made(image);
    let id = image.id.to_string();
    let digest = image.digests.first().and_then(ImageName::digest);
    json!({
        "ID": if args.no_trunc { id.as_str() } else { short(&id) },
        "Repository": name.map_or(NONE.to_owned(), ImageName::familiar_repository),
        "Tag": name.and_then(ImageName::tag).unwrap_or(NONE),
        "Digest": digest.map_or(NONE.to_owned(), ToString::to_string),
        "CreatedSince": format!("{} ago", time::roughly(time::since(created))),
        "CreatedAt": time::shown(created),
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
    // What killed commands held of an image is nobody's.
    host.sweep().await?;
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
    fn an_image_is_before_and_since_all_that_are_named() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for order in [[1, 2], [2, 1]] {
            let mut wanted = Wanted::default();
            for second in order {
                wanted.before(at(second));
                wanted.since(at(second));
            }
            assert_eq!((wanted.before, wanted.since), (Some(at(1)), Some(at(2))));
        }
    }

    #[test]
    fn a_star_stops_at_a_slash() {
        assert!(is_like(b"transom/base", b"transom/*"));
        assert!(is_like(b"node:20", b"node:??"));
        assert!(!is_like(b"a/b/c", b"a/*"));
        assert!(!is_like(b"node", b"nod"));
    }
}
