//! Removing a container.

use anyhow::{Context, Result, bail};
use engine::Storage;

use super::volumes::Removal;
use super::{Host, sweep};
use crate::attach::wire::Call;
use crate::settings::signal;
use crate::store::{Folder, Found, MountKind, MountPoint, Store};

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Also when it runs.
    pub force: bool,
    /// Its anonymous volumes too.
    pub volumes: bool,
}

/// Removes a container.
pub async fn container(host: &Host, found: Found, options: Options) -> Result<()> {
    if found.folder.is_held() && found.state.status.is_active() {
        if !options.force {
            bail!(
                "cannot remove container \"/{}\": container is {}: stop the container before \
                 removing it, or use --force",
                found.record.name,
                found.state.status.as_str(),
            );
        }
        kill(host, &found).await?;
    }
    let _lock = match host.lock(&found).await {
        // With --rm its monitor has put it out of sight meanwhile.
        Err(_) if !found.folder.exists() => return Ok(()),
        other => other?,
    };
    // With --rm its monitor has done it by now.
    let Ok(found) = host.store.load(&found.record.id) else { return Ok(()) };
    if found.folder.is_live() {
        sweep::give_back(host, &found.record.id).await?;
    }
    files(host, &found, options.volumes).await
}

async fn kill(host: &Host, found: &Found) -> Result<()> {
    let Some(mut monitor) = host.monitor(&found.record.id).await? else { return Ok(()) };
    let stop = Call::Stop { signal: Some(signal::KILL), timeout: Some(0) };
    monitor.call(stop).await.with_context(|| format!("killing container {}", found.record.name))
}

/// Takes a container out of sight that has ended, and lets go of its image; its files stay for what
/// it still holds. The caller has its lock.
pub async fn from_sight(host: &Host, found: &Found) -> Result<Folder> {
    host.images().await?.release(&found.record.id).await.context("letting go of the image")?;
    host.store.hide(found)
}

/// Removes what there is of a container out of sight that holds nothing any more.
pub async fn hidden(host: &Host, folder: &Folder) -> Result<()> {
    host.engine.destroy_scratch(&folder.scratch()).await.context("removing the scratch")?;
    Store::remove_hidden(folder)
}

/// Removes what there is of a container that does not run. The caller has its lock.
pub async fn files(host: &Host, found: &Found, volumes: bool) -> Result<()> {
    let scratch = found.folder.scratch();
    host.engine.destroy_scratch(&scratch).await.context("removing the scratch")?;
    // Out of sight first, so that a removal cut short is no half container.
    let hidden = host.store.hide(found)?;
    host.images().await?.release(&found.record.id).await.context("letting go of the image")?;
    Store::remove_hidden(&hidden)?;
    host.events.container(&found.record, "destroy", &[]);
    if volumes {
        anonymous_volumes(host, found).await.context("removing its volumes")?;
    }
    Ok(())
}

/// Removes the volumes that nobody named; others may have one by `--volumes-from`.
async fn anonymous_volumes(host: &Host, found: &Found) -> Result<()> {
    let own = |mount: &&MountPoint| mount.kind == MountKind::Volume && mount.anonymous;
    let mut names =
        found.record.mounts.iter().filter(own).filter_map(|m| m.name.as_ref()).peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    let mut removal = Removal::begin(host).await?;
    // One that stays keeps nobody from the others.
    let hidden = names.map(|name| removal.remove_free(name)).fold(Ok(()), Result::and);
    let deleted = removal.finish().await?.into_iter().try_for_each(|(_, done)| done.map(drop));
    hidden.and(deleted)
}
