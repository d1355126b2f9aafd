//! `prune`, of everything or of one kind: what goes, what is asked and what is told.

use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail};
use image::{PruneOptions, Removed};
use jiff::Timestamp;

use super::filters::PruneFilters;
use super::{builder, images, network};
use crate::cli::system::{Prune, PruneKind};
use crate::host::volumes::Removal;
use crate::host::{Host, remove};
use crate::settings::size;
use crate::store::{Status, tree_size};

/// `prune`
pub(super) async fn command(host: &Host, args: Prune) -> Result<()> {
    let filters = PruneFilters::parse(&args.filter, known(args.only))?;
    if args.only.is_none() && args.volumes && filters.until.is_some() {
        bail!("the filter until does not go with --volumes: volumes are not pruned by age");
    }
    let wanted = Wanted { all: args.all || filters.all, filters };
    if !args.force && !asked(&question(&args, &wanted))? {
        return Ok(());
    }
    // What killed monitors left is given back first, whatever is pruned.
    host.list().await?;
    let Some(kind) = args.only else { return everything(host, &args, &wanted).await };
    let reclaimed = match kind {
        PruneKind::Containers => Box::pin(containers(host, &wanted)).await?,
        PruneKind::Images => image(host, &wanted).await?,
        PruneKind::Volumes => volumes(host, &wanted).await?,
        // Docker gives no sum of what takes no room.
        PruneKind::Networks => return networks(host, &wanted).await,
    };
    println!("Total reclaimed space: {}", size::decimal(reclaimed));
    Ok(())
}

async fn everything(host: &Host, args: &Prune, wanted: &Wanted) -> Result<()> {
    let mut reclaimed = Box::pin(containers(host, wanted)).await?;
    networks(host, wanted).await?;
    if args.volumes {
        let anonymous = Wanted { all: false, filters: wanted.filters.clone() };
        reclaimed += volumes(host, &anonymous).await?;
    }
    reclaimed += image(host, wanted).await?;
    reclaimed += cache(host, wanted).await?;
    println!("Total reclaimed space: {}", size::decimal(reclaimed));
    Ok(())
}

/// What is meant.
struct Wanted {
    /// Those with a name of their own too.
    all: bool,
    filters: PruneFilters,
}

fn known(kind: Option<PruneKind>) -> &'static [&'static str] {
    match kind {
        Some(PruneKind::Volumes) => &["all", "label", "label!"],
        Some(PruneKind::Images) => &["dangling", "label", "label!", "until"],
        Some(PruneKind::Containers | PruneKind::Networks) | None => &["label", "label!", "until"],
    }
}

/// What is removed, below docker's heading.
fn tell(what: &str, lines: &[String]) {
    if !lines.is_empty() {
        println!("Deleted {what}:\n{}\n", lines.join("\n"));
    }
}

async fn containers(host: &Host, wanted: &Wanted) -> Result<u64> {
    let (mut gone, mut reclaimed) = (Vec::new(), 0);
    for found in host.list().await? {
        let ended = matches!(found.state.status, Status::Created | Status::Exited | Status::Dead);
        let record = &found.record;
        let meant = wanted.filters.hold(&record.config.labels, record.created);
        if !ended || !meant || found.folder.is_held() {
            continue;
        }
        let id = record.id.clone();
        let bytes = tree_size(found.folder.path())?;
        remove::container(host, found, remove::Options::default()).await?;
        reclaimed += bytes;
        gone.push(id);
    }
    tell("Containers", &gone);
    Ok(reclaimed)
}

async fn networks(host: &Host, wanted: &Wanted) -> Result<()> {
    let gone = network::prune(host, |labels, made| wanted.filters.hold(labels, made)).await?;
    tell("Networks", &gone);
    Ok(())
}

async fn volumes(host: &Host, wanted: &Wanted) -> Result<u64> {
    let removal = Removal::begin(host).await?;
    let (mut gone, mut reclaimed) = (Vec::new(), 0);
    for one in host.volumes.list()? {
        let meant = (one.anonymous || wanted.all) && wanted.filters.hold(&one.labels, one.created);
        if meant && removal.user(&one.name).is_none() {
            reclaimed += tree_size(&host.volumes.data(&one.name))?;
            removal.remove(&one.name)?;
            host.events.volume(&one.name, "destroy");
            gone.push(one.name);
        }
    }
    tell("Volumes", &gone);
    Ok(reclaimed)
}

async fn image(host: &Host, wanted: &Wanted) -> Result<u64> {
    let labels = |texts: &[String]| {
        let parts = texts.iter().map(|text| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.clone(), None),
        });
        parts.collect()
    };
    let options = PruneOptions {
        all: wanted.all,
        older_than: wanted.filters.until.map(age),
        labels: labels(&wanted.filters.with),
        without: labels(&wanted.filters.without),
    };
    let pruned = host.images().await?.prune(options).await?;
    let lines: Vec<String> = pruned
        .removed
        .iter()
        .map(|one| match one {
            Removed::Untagged(name) => format!("untagged: {}", name.familiar()),
            Removed::Deleted(id) => format!("deleted: {id}"),
        })
        .collect();
    images::note(host, &pruned.removed);
    tell("Images", &lines);
    Ok(pruned.reclaimed)
}

/// What builds keep has no labels: who asks for some means none of it.
async fn cache(host: &Host, wanted: &Wanted) -> Result<u64> {
    if !wanted.filters.with.is_empty() || !wanted.filters.without.is_empty() {
        return Ok(0);
    }
    let unused_for = wanted.filters.until.map(age);
    let (ids, reclaimed) = builder::clear(host, wanted.all, unused_for).await?;
    tell("build cache objects", &ids);
    Ok(reclaimed)
}

fn age(until: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(Timestamp::now().duration_since(until)).unwrap_or_default()
}

fn question(args: &Prune, wanted: &Wanted) -> String {
    let images = if wanted.all {
        "all images without at least one container"
    } else {
        "all dangling images"
    };
    match args.only {
        Some(PruneKind::Containers) => "all stopped containers.".to_owned(),
        Some(PruneKind::Images) => format!("{images}."),
        Some(PruneKind::Volumes) if wanted.all => {
            "all volumes not used by at least one container.".to_owned()
        }
        Some(PruneKind::Volumes) => {
            "anonymous local volumes not used by at least one container.".to_owned()
        }
        Some(PruneKind::Networks) => {
            "all custom networks not used by at least one container.".to_owned()
        }
        None => {
            let volumes =
                args.volumes.then_some("all anonymous volumes not used by at least one container");
            let cache = if wanted.all { "all build cache" } else { "unused build cache" };
            let first =
                ["all stopped containers", "all networks not used by at least one container"];
            let all = first.into_iter().chain(volumes).chain([images, cache]);
            all.fold(String::from(":"), |text, one| text + "\n  - " + one) + "\n"
        }
    }
}

/// Asks whether to go on.
pub(super) fn asked(what: &str) -> Result<bool> {
    let blank = if what.starts_with(':') { "" } else { " " };
    eprint!("WARNING! This will remove{blank}{what}\nAre you sure you want to continue? [y/N] ");
    std::io::stderr().flush().context("asking")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
