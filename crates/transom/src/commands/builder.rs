//! `builder du` and `builder prune`: what builds keep. What there is stands in `entries`, which of it
//! is meant in `filters`, how it is shown in `show`.

mod entries;
mod filters;
mod show;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use image::Digest;

use self::entries::{Entry, What};
use self::filters::Filters;
use super::{Status, build, prune as asking};
use crate::cli::build::{BuilderDu, BuilderPrune};
use crate::host::Host;
use crate::settings::{size, time};

/// `builder du`
pub(super) async fn usage(host: &Host, args: BuilderDu) -> Result<()> {
    if args.verbose && args.format.is_some() {
        bail!("conflicting options: --verbose and --format");
    }
    let filters = Filters::parse(&args.filter)?;
    let mut all = entries::all(host).await?;
    all.retain(|one| filters.take(one));
    if args.verbose {
        all.iter().for_each(show::tell);
    } else {
        print!("{}", show::table(&all, args.format.as_deref())?);
    }
    if args.format.is_none() {
        show::sums(&all);
    }
    Ok(())
}

/// `builder prune`
pub(super) async fn prune(host: &Host, args: BuilderPrune) -> Result<()> {
    let filters = Filters::parse(&args.filter)?;
    let room = Room::asked(&args)?;
    let what = if args.all {
        "all that builds keep."
    } else {
        "all that builds keep, but layers that images hold."
    };
    if !args.force && !asking::asked(what)? {
        return Ok(());
    }
    let wanted =
        |one: &Entry| (args.all || !one.shared || filters.asks_for_shared()) && filters.take(one);
    let Cleared { gone, reclaimed, failed } = remove(host, room, wanted).await?;
    if args.verbose {
        gone.iter().for_each(show::tell);
    } else if !gone.is_empty() {
        print!("{}", show::table(&gone, None)?);
    }
    println!("Total:\t{}", size::decimal(reclaimed));
    for error in &failed {
        eprintln!("transom: {error:#}");
    }
    if failed.is_empty() { Ok(()) } else { Err(Status(1).into()) }
}

/// What came of removing.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    gone: Vec<Entry>,
    /// Bytes that this gave back.
    pub(super) reclaimed: u64,
    /// Why something that was meant is still there.
    pub(super) failed: Vec<anyhow::Error>,
}

impl Cleared {
    /// What was removed, as it is called.
    pub(super) fn ids(&self) -> Vec<String> {
        self.gone.iter().map(|one| one.id.clone()).collect()
    }
}

/// Removes what builds keep, for whoever prunes everything.
pub(super) async fn clear(host: &Host, all: bool, unused_for: Option<Duration>) -> Result<Cleared> {
    let wanted = |one: &Entry| {
        let old = unused_for.is_none_or(|age| time::since(one.used) >= age);
        old && (all || !one.shared)
    };
    remove(host, Room::default(), wanted).await
}

/// How much may stay, in buildx' terms.
#[derive(Debug, Default, Clone, Copy)]
struct Room {
    reserved: u64,
    most: u64,
    free: u64,
}

impl Room {
    fn asked(args: &BuilderPrune) -> Result<Self> {
        let read = |flag: &str, given: &Option<String>| -> Result<u64> {
            let size = given.as_deref().map(size::parse).transpose();
            Ok(size.with_context(|| format!("reading --{flag}"))?.unwrap_or(0))
        };
        Ok(Self {
            reserved: read("reserved-space", &args.keep_storage)?,
            most: read("max-used-space", &args.max_used_space)?,
            free: read("min-free-space", &args.min_free_space)?,
        })
    }

    /// How many of `total` bytes may stay, when the disk has `free` left.
    fn keeps(self, total: u64, free: u64) -> u64 {
        let mut keeps = self.most;
        let missing = self.free.saturating_sub(free);
        if missing > 0 {
            let left = total.saturating_sub(missing);
            keeps = if keeps == 0 { left } else { keeps.min(left) };
        } else if self.free > 0 && keeps == 0 {
            // As much is free as is wanted.
            keeps = total;
        }
        keeps.max(self.reserved)
    }
}

/// Removes what is wanted and not in use, used longest ago first, until the rest may stay.
async fn remove(host: &Host, room: Room, wanted: impl Fn(&Entry) -> bool) -> Result<Cleared> {
    // What killed builds left holds layers too.
    // Nothing is run, so no drive is needed.
    let stuck = build::executor(host, std::path::PathBuf::new()).sweep().await.into_iter();
    let stuck = stuck
        .map(|error| anyhow::Error::from(error).context("giving back what a killed build left"));
    let images = host.images().await?;
    let all = entries::all(host).await?;
    let mut left: u64 = all.iter().filter(|one| !one.shared).map(|one| one.size).sum();
    let free = entries::free(&host.dirs.root)?;
    let keeps = room.keeps(left, free);
    let mut cleared = Cleared { failed: stuck.collect(), ..Cleared::default() };
    let mut layers = BTreeSet::new();
    // Downloads are read by builds that do not say so.
    let alone = images.alone().await?;
    for one in all.into_iter().rev().filter(|one| !one.in_use && wanted(one)) {
        if left <= keeps && keeps > 0 {
            break;
        }
        match &one.what {
            What::Layer(key) => drop(layers.insert(key.clone())),
            What::Kept(kept) if kept.kind == ::build::KeptKind::Download && alone.is_none() => {
                continue;
            }
            What::Kept(kept) => {
                match kept.remove() {
                    Ok(true) => cleared.reclaimed += one.size,
                    Ok(false) => continue,
                    // The others go all the same.
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        cleared.failed.push(error.context(format!("removing {}", one.description)));
                        continue;
                    }
                }
            }
        }
        left = left.saturating_sub(if one.shared { 0 } else { one.size });
        cleared.gone.push(one);
    }
    // Removing layers wants to be alone itself.
    drop(alone);
    let dropped = images.drop_cached(layers).await?;
    let is_gone = |key: &Digest| dropped.gone.contains(key);
    cleared.gone.retain(|one| !matches!(&one.what, What::Layer(key) if !is_gone(key)));
    cleared.reclaimed += dropped.reclaimed;
    cleared.failed.extend(dropped.failed.into_iter().map(anyhow::Error::from));
    Ok(cleared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_stay_is_decided_as_buildkit_does() {
        let room = |reserved, most, free| Room { reserved, most, free };
        for (room, free, wanted) in [
            (room(0, 0, 0), 0, 0),
            (room(30, 0, 0), 0, 30),
            (room(0, 70, 0), 0, 70),
            (room(30, 20, 0), 0, 30),
            // 15 more are to be free than are.
            (room(0, 0, 25), 10, 85),
            (room(0, 50, 25), 10, 50),
            (room(90, 0, 25), 10, 90),
            (room(0, 0, 25), 30, 100),
        ] {
            assert_eq!(room.keeps(100, free), wanted, "{room:?}, {free}");
        }
    }
}
