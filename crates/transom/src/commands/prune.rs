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
use crate::store::{Found, Status, tree_size};

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
    let mut told = Told::default();
    match args.only {
        Some(PruneKind::Containers) => Box::pin(containers(host, &wanted, &mut told)).await?,
        Some(PruneKind::Images) => image(host, &wanted, &mut told).await?,
        Some(PruneKind::Volumes) => volumes(host, &wanted, &mut told).await?,
        Some(PruneKind::Networks) => networks(host, &wanted, &mut told).await?,
        None => everything(host, &args, &wanted, &mut told).await,
    }
    // Docker gives no sum of what takes no room.
    if args.only != Some(PruneKind::Networks) {
        println!("Total reclaimed space: {}", size::decimal(told.reclaimed));
    }
    if told.failed { Err(super::Status(1).into()) } else { Ok(()) }
}

/// What fails of one kind keeps nobody from the others.
async fn everything(host: &Host, args: &Prune, wanted: &Wanted, told: &mut Told) {
    let done = Box::pin(containers(host, wanted, told)).await;
    told.note(done);
    let done = networks(host, wanted, told).await;
    told.note(done);
    if args.volumes {
        let anonymous = Wanted { all: false, filters: wanted.filters.clone() };
        let done = volumes(host, &anonymous, told).await;
        told.note(done);
    }
    let done = image(host, wanted, told).await;
    told.note(done);
    let done = cache(host, wanted, told).await;
    told.note(done);
}

/// What came of it, beside what was printed.
#[derive(Default)]
struct Told {
    reclaimed: u64,
    /// Something that was meant is still there.
    failed: bool,
}

impl Told {
    /// What is removed, below docker's heading.
    fn gone(what: &str, lines: &[String]) {
        if !lines.is_empty() {
            println!("Deleted {what}:\n{}\n", lines.join("\n"));
        }
    }

    /// What came of each of one kind, with the bytes that its removal gave back.
    fn outcome(&mut self, title: &str, kind: &str, done: Vec<(String, Result<u64>)>) {
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        for (name, removed) in done {
            match removed {
                Ok(bytes) => {
                    self.reclaimed += bytes;
                    gone.push(name);
                }
                Err(error) => failed.push(error.context(format!("removing {kind} {name}"))),
            }
        }
        Self::gone(title, &gone);
        self.note_all(failed);
    }

    /// What is not removed is told when the rest is.
    fn note(&mut self, done: Result<()>) {
        if let Err(error) = done {
            eprintln!("transom: {error:#}");
            self.failed = true;
        }
    }

    fn note_all(&mut self, errors: impl IntoIterator<Item = anyhow::Error>) {
        for error in errors {
            self.note(Err(error));
        }
    }
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

async fn containers(host: &Host, wanted: &Wanted, told: &mut Told) -> Result<()> {
    let mut done = Vec::new();
    for found in host.list().await? {
        let ended = matches!(found.state.status, Status::Created | Status::Exited | Status::Dead);
        let record = &found.record;
        let meant = wanted.filters.hold(&record.config.labels, record.created);
        if !ended || !meant || found.folder.is_held() {
            continue;
        }
        done.push((record.id.clone(), container(host, found).await));
    }
    told.outcome("Containers", "container", done);
    Ok(())
}

async fn container(host: &Host, found: Found) -> Result<u64> {
    let bytes = tree_size(found.folder.path());
    remove::container(host, found, remove::Options::default()).await?;
    Ok(bytes)
}

async fn networks(host: &Host, wanted: &Wanted, told: &mut Told) -> Result<()> {
    let meant = |labels: &_, made| wanted.filters.hold(labels, made);
    let mut done = Vec::new();
    for name in network::unused(host, meant).await? {
        match network::remove_unused(host, &name).await {
            Ok(false) => {}
            removed => done.push((name, removed.map(|_| 0))),
        }
    }
    told.outcome("Networks", "network", done);
    Ok(())
}

async fn volumes(host: &Host, wanted: &Wanted, told: &mut Told) -> Result<()> {
    let mut removal = Removal::begin(host).await?;
    let mut failed = Vec::new();
    for one in host.volumes.list()? {
        let meant = (one.anonymous || wanted.all) && wanted.filters.hold(&one.labels, one.created);
        if meant && removal.user(&one.name).is_none() {
            match removal.remove(&one.name) {
                Ok(()) => host.events.volume(&one.name, "destroy"),
                Err(error) => failed.push(error),
            }
        }
    }
    told.outcome("Volumes", "volume", removal.finish().await?);
    told.note_all(failed);
    Ok(())
}

async fn image(host: &Host, wanted: &Wanted, told: &mut Told) -> Result<()> {
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
    Told::gone("Images", &lines);
    told.reclaimed += pruned.reclaimed;
    told.note_all(pruned.failed.into_iter().map(anyhow::Error::from));
    Ok(())
}

/// What builds keep has no labels: who asks for some means none of it.
async fn cache(host: &Host, wanted: &Wanted, told: &mut Told) -> Result<()> {
    if !wanted.filters.with.is_empty() || !wanted.filters.without.is_empty() {
        return Ok(());
    }
    let unused_for = wanted.filters.until.map(age);
    let cleared = builder::clear(host, wanted.all, unused_for).await?;
    Told::gone("build cache objects", &cleared.ids());
    told.reclaimed += cleared.reclaimed;
    told.note_all(cleared.failed);
    Ok(())
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
