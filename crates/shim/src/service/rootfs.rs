//! The mounts that a Linux containerd passes beside a spec, turned into layers and a scratch.
//!
//! Nothing is mounted for a Windows container on the host: its layers are adopted, and the scratch
//! is a folder of the container's own snapshot, which containerd removes with the container.

use engine::Engine;
use plan::unpacked::Unpacked;
use resources::Host;

use super::Service;
use super::bundle::Asked;
use crate::error::{Error, Result};

/// The scratch's folder in a snapshot, beside nothing else.
const IN_SNAPSHOT: &str = "transom";
/// The scratch's folder in what containerd keeps for a task and removes with it.
const IN_WORK: &str = "work/scratch";

impl<E: Engine, H: Host> Service<E, H> {
    /// Puts layers and scratch into the spec, if there are such mounts.
    pub(super) async fn adopt_rootfs(&self, asked: &mut Asked) -> Result<()> {
        if !self.inner.world.facts.is_unix() {
            return Ok(());
        }
        let Some(snapshot) = Unpacked::of(&asked.rootfs)? else { return Ok(()) };
        let windows = asked.spec.windows.get_or_insert_default();
        if windows.layer_folders.as_ref().is_some_and(|folders| !folders.is_empty()) {
            // Planning refuses layers that are named twice.
            return Ok(());
        }
        let mut folders = crate::adopt::layers(&snapshot.layers).await?;
        folders.push(match snapshot.writable {
            Some(folder) => format!("{}/{IN_SNAPSHOT}", folder.trim_end_matches('/')),
            None => scratch_of_task(&asked.request.bundle).await?,
        });
        windows.layer_folders = Some(folders);
        if let Some(root) = asked.spec.root.as_mut() {
            root.path.clear();
        }
        asked.rootfs.clear();
        Ok(())
    }
}

/// A snapshot that is one folder holds the layers themselves: the scratch is elsewhere.
async fn scratch_of_task(bundle: &str) -> Result<String> {
    let folder = format!("{}/{IN_WORK}", bundle.trim_end_matches('/'));
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(|error| Error::Failed(format!("cannot make the scratch `{folder}`: {error}")))?;
    Ok(folder)
}
