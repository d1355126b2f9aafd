//! `system df`: what images, containers, volumes and builds take on the disk. What each of them
//! takes is in `verbose`.

mod verbose;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::cli::system::Df;
use crate::format::Format;
use crate::host::Host;
use crate::settings::size;
use crate::store::tree_size;

const TABLE: &str = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
const HEADINGS: &[(&str, &str)] = &[
    ("Type", "TYPE"),
    ("TotalCount", "TOTAL"),
    ("Active", "ACTIVE"),
    ("Size", "SIZE"),
    ("Reclaimable", "RECLAIMABLE"),
];

/// `system df`
pub(super) async fn command(host: &Host, args: &Df) -> Result<()> {
    if args.verbose {
        if args.format.is_some() {
            bail!("conflicting options: --verbose and --format");
        }
        return verbose::tell(host).await;
    }
    let format = Format::parse(args.format.as_deref(), TABLE)?;
    let found = host.list().await?;
    let (mut containers, mut volumes) = (Room::default(), Room::default());
    for one in &found {
        let bytes = tree_size(&one.folder.scratch().join("upper"));
        containers.add(bytes, one.state.status.is_active());
    }
    let has = |name: &str| {
        let mounts = found.iter().flat_map(|one| &one.record.mounts);
        mounts.filter_map(|mount| mount.name.as_deref()).any(|other| other == name)
    };
    for one in host.volumes.list()? {
        volumes.add(tree_size(&host.volumes.data(&one.name)), has(&one.name));
    }
    let (images, cache) = content(host).await?;
    let rows = [
        images.row("Images", true),
        containers.row("Containers", true),
        volumes.row("Local Volumes", true),
        cache.row("Build Cache", false),
    ];
    print!("{}", format.list(&rows, HEADINGS)?);
    Ok(())
}

/// Images, and what only builds hold.
async fn content(host: &Host) -> Result<(Room, Room)> {
    let store = host.images().await?;
    let (usage, builds) = (store.disk_usage().await?, store.cache_usage().await?);
    let mut cache = Room::default();
    for one in &builds {
        cache.add(if one.shared { 0 } else { one.size }, one.shared);
    }
    let images = Room {
        total: usage.images,
        active: usage.active,
        size: usage.size.saturating_sub(cache.size),
        reclaimable: usage.reclaimable.saturating_sub(cache.size),
    };
    Ok((images, cache))
}

/// What things of one kind take.
#[derive(Debug, Default)]
struct Room {
    total: usize,
    active: usize,
    size: u64,
    reclaimable: u64,
}

impl Room {
    fn add(&mut self, bytes: u64, active: bool) {
        self.total += 1;
        self.active += usize::from(active);
        self.size += bytes;
        self.reclaimable += if active { 0 } else { bytes };
    }

    fn row(&self, kind: &str, with_share: bool) -> Value {
        let share = (self.reclaimable * 100).checked_div(self.size).filter(|_| with_share);
        let share = share.map_or(String::new(), |share| format!(" ({share}%)"));
        json!({
            "Type": kind,
            "TotalCount": self.total.to_string(),
            "Active": self.active.to_string(),
            "Size": size::decimal(self.size),
            "Reclaimable": format!("{}{share}", size::decimal(self.reclaimable)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_active_cannot_be_reclaimed() {
        let mut room = Room::default();
        assert_eq!(room.row("x", true)["Reclaimable"], "0B");
        room.add(3000, true);
        room.add(1000, false);
        let row = room.row("x", true);
        assert_eq!((row["TotalCount"].as_str(), row["Active"].as_str()), (Some("2"), Some("1")));
        assert_eq!(
            (row["Size"].as_str(), row["Reclaimable"].as_str()),
            (Some("4kB"), Some("1kB (25%)"))
        );
        assert_eq!(room.row("x", false)["Reclaimable"], "1kB");
    }
}
