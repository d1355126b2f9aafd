//! Removing volumes, so that nobody loses one that they use or are about to use.
//!
//! Whoever makes a container keeps the volumes ([`keep`]) until the container stands in the store;
//! whoever removes one waits for them all and only then looks who uses what ([`Removal`]). While
//! others wait, volumes only go out of sight; what was in them is deleted afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Host;
use crate::store::volumes::{Gone, Hold, NoSuchVolume, Volumes};

/// How long others may be at it.
const LIMIT: Duration = Duration::from_mins(1);

/// Keeps volumes from being removed.
pub async fn keep(host: &Host) -> Result<Hold> {
    locked(host, Volumes::keep).await
}

/// Volumes that nobody begins to use while this is held.
#[derive(Debug)]
pub struct Removal<'a> {
    volumes: &'a Volumes,
    /// By volume, a container that has it, running or not.
    users: BTreeMap<String, String>,
    gone: Vec<(String, Gone)>,
    still: Hold,
    deleting: Hold,
}

impl<'a> Removal<'a> {
    /// Waits until nobody makes a container.
    pub async fn begin(host: &'a Host) -> Result<Self> {
        let deleting = locked(host, Volumes::deleting).await?;
        let still = locked(host, Volumes::still).await?;
        let mut users = BTreeMap::new();
        for found in host.store.every().context("looking who uses which volume")? {
            let names = found.record.mounts.into_iter().filter_map(|mount| mount.name);
            users.extend(names.map(|name| (name, found.record.id.clone())));
        }
        Ok(Self { volumes: &host.volumes, users, gone: Vec::new(), still, deleting })
    }

    /// A container that has the volume.
    pub fn user(&self, volume: &str) -> Option<&str> {
        self.users.get(volume).map(String::as_str)
    }

    /// Takes a volume out of sight that no container has.
    pub fn remove(&mut self, volume: &str) -> Result<()> {
        if let Some(user) = self.user(volume) {
            bail!("remove {volume}: volume is in use - [{user}]");
        }
        self.gone.push((volume.to_owned(), self.volumes.hide(volume)?));
        Ok(())
    }

    /// The same, if it is there yet; one that is used stays.
    pub fn remove_free(&mut self, volume: &str) -> Result<()> {
        self.free(volume, |volumes| volumes.hide(volume).map(Some))
    }

    /// The same, if nothing is in it either.
    pub fn remove_unused(&mut self, volume: &str) -> Result<()> {
        self.free(volume, |volumes| volumes.hide_empty(volume))
    }

    fn free(
        &mut self,
        volume: &str,
        hide: impl FnOnce(&Volumes) -> Result<Option<Gone>>,
    ) -> Result<()> {
        if self.user(volume).is_some() {
            return Ok(());
        }
        match hide(self.volumes) {
            // Another of those who had it has removed it meanwhile.
            Err(error) if error.is::<NoSuchVolume>() => {}
            gone => self.gone.extend(gone?.map(|gone| (volume.to_owned(), gone))),
        }
        Ok(())
    }

    /// Lets others go on, and deletes what is out of sight: by volume, the bytes that it had.
    pub async fn finish(self) -> Result<Vec<(String, Result<u64>)>> {
        let Self { gone, still, deleting, .. } = self;
        drop(still);
        let delete = move || {
            let _deleting = deleting;
            gone.into_iter().map(|(volume, gone)| (volume, gone.delete())).collect()
        };
        tokio::task::spawn_blocking(delete).await.context("deleting volumes")
    }
}

async fn locked(host: &Host, lock: fn(&Volumes) -> Result<Hold>) -> Result<Hold> {
    let volumes = host.volumes.clone();
    let waiting = tokio::task::spawn_blocking(move || lock(&volumes));
    match tokio::time::timeout(LIMIT, waiting).await {
        Ok(hold) => hold.context("waiting for the volumes")?,
        Err(_) => bail!("the volumes are in use: others make containers with them or remove some"),
    }
}
