//! `prune`, of everything or of one kind.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use image::PruneOptions;

use super::images;
use crate::cli::system::{Prune, PruneKind};
use crate::host::{Host, remove};
use crate::settings::size;
use crate::store::{Status, tree_size};

/// `prune`
pub(super) async fn command(host: &Host, args: Prune) -> Result<()> {
    if !args.force && !confirmed(&args)? {
        return Ok(());
    }
    let all = args.only.is_none();
    let is = |kind| all || args.only == Some(kind);
    host.sweep().await?;
    let mut reclaimed = 0;
    if is(PruneKind::Containers) {
        reclaimed += Box::pin(containers(host)).await?;
    }
    if args.only == Some(PruneKind::Volumes) || (all && args.volumes) {
        let named = args.all && args.only == Some(PruneKind::Volumes);
        reclaimed += volumes(host, named)?;
    }
    if is(PruneKind::Images) {
        let options = PruneOptions { all: args.all, ..PruneOptions::default() };
        let pruned = host.images().await?.prune(options).await?;
        images::tell(host, &pruned.removed);
        reclaimed += pruned.reclaimed;
    }
    println!("Total reclaimed space: {}", size::decimal(reclaimed));
    Ok(())
}

async fn containers(host: &Host) -> Result<u64> {
    let mut reclaimed = 0;
    for found in host.list().await? {
        let ended = matches!(found.state.status, Status::Created | Status::Exited | Status::Dead);
        if !ended || found.folder.is_held() {
            continue;
        }
        let (id, path) = (found.record.id.clone(), found.folder.path().to_owned());
        let bytes = tree_size(&path)?;
        remove::container(host, found, remove::Options::default()).await?;
        reclaimed += bytes;
        println!("{id}");
    }
    Ok(reclaimed)
}

fn volumes(host: &Host, named: bool) -> Result<u64> {
    let mut reclaimed = 0;
    for one in host.volumes.list()? {
        if (one.anonymous || named) && host.volume_user(&one.name)?.is_none() {
            reclaimed += tree_size(&host.volumes.data(&one.name))?;
            host.volumes.remove(&one.name)?;
            println!("{}", one.name);
        }
    }
    Ok(reclaimed)
}

fn confirmed(args: &Prune) -> Result<bool> {
    let what = match args.only {
        Some(PruneKind::Containers) => "all stopped containers",
        Some(PruneKind::Images) if args.all => "all images without at least one container",
        Some(PruneKind::Images) => "all dangling images",
        Some(PruneKind::Volumes) if args.all => "all volumes that no container uses",
        Some(PruneKind::Volumes) => "all anonymous volumes that no container uses",
        None if args.volumes => "all stopped containers, anonymous volumes and unused images",
        None => "all stopped containers and unused images",
    };
    asked(what)
}

/// Asks whether to go on.
pub(super) fn asked(what: &str) -> Result<bool> {
    eprint!("WARNING! This will remove {what}.\nAre you sure you want to continue? [y/N] ");
    std::io::stderr().flush().context("asking")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
