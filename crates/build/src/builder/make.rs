//! Making the layer of a step: files into a scratch, or a container that writes one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Engine;
use image::{Below, HiveFile, NewLayer, Scratch};
use resources::Host;

use super::layers::Work;
use super::run::Running;
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::Step;
use crate::error::Cause;
use crate::executor::{Process, Run};
use crate::files::{self, CopyError};
use crate::view::View;
use crate::{blocking, progress, registry};

type Result<T> = std::result::Result<T, Cause>;

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) async fn make(
        &self,
        state: &State,
        work: &Arc<Work>,
        step: &Step,
        shown: &progress::Step,
    ) -> Result<NewLayer> {
        let alone = work.is_alone() || state.layers.is_empty();
        let below = if alone { Vec::new() } else { self.unpacked(state).await? };
        if let Work::Run(running) = &**work {
            return self.make_run(&below, running, step, shown).await;
        }
        let drive = self.drive_of(state, &below);
        let place = self.builder.places().take()?;
        let upper = place.path();
        blocking({
            let (work, upper) = (Arc::clone(work), upper.clone());
            move || work.write(&drive, &upper)
        })
        .await?;
        self.add_layer(upper, below, Vec::new()).await
    }

    async fn make_run(
        &self,
        below: &[PathBuf],
        running: &Running,
        step: &Step,
        shown: &progress::Step,
    ) -> Result<NewLayer> {
        let lent = self.builder.lend(&running.mounts.wanted, step.line).await?;
        let mut meta = running.meta.clone();
        meta.env.extend(running.proxies.iter().chain(&running.mounts.variables).cloned());
        let process = Process::new(meta, Arc::new(shown.clone()));
        let mounts = lent.mounts.clone();
        let run = Run { mounts, ..Run::new(below.to_vec(), process) };
        let executor = &self.builder.executor;
        let finished = executor.run(run, self.stop.subscribe()).await;
        lent.give_back().await;
        let finished = finished?;
        let layer = async {
            let (ground, layers) = (self.builder.ground.clone(), below.to_vec());
            let (after, epoch) = (finished.registry(), self.options.epoch);
            let hives = blocking(move || {
                let before = image::hive::chain::registry(&layers, &ground.registry, &ground.key);
                registry::changes(&before, &after, epoch)
            })
            .await?;
            self.add_layer(finished.upper(), below.to_vec(), hives).await
        };
        let layer = layer.await;
        executor.discard(finished).await?;
        layer
    }

    async fn add_layer(
        &self,
        upper: PathBuf,
        parents: Vec<PathBuf>,
        hives: Vec<HiveFile>,
    ) -> Result<NewLayer> {
        let drive = self.builder.ground.drive.clone();
        let below = Below { parents, drive };
        let epoch = self.options.epoch;
        let scratch = Scratch { upper, below, hives, epoch, ..Scratch::default() };
        Ok(self.builder.images.add_scratch_layer(self.hold, scratch).await?)
    }

    /// The folders of the layers so far, the nearest first, with the registry that they make.
    pub(super) async fn unpacked(&self, state: &State) -> Result<Vec<PathBuf>> {
        let (images, ground) = (&self.builder.images, self.builder.ground.clone());
        let version = state.config.os_version.clone();
        let unpacked = images.unpack_layers(self.hold, &state.layers, version, &ground.drive);
        let folders = unpacked.await?.folders;
        blocking(move || {
            image::hive::chain::compose(&folders, &ground.registry, &ground.key)?;
            Ok(folders)
        })
        .await
    }
}

impl Work {
    fn write(&self, drive: &View, upper: &Path) -> std::result::Result<(), CopyError> {
        match self {
            Self::Files(files) => files.selection.write(drive, upper, &files.destination),
            Self::Folder(path, owner) => {
                files::make_for(drive, upper, path, owner.as_deref()).map(drop)
            }
            Self::Run(_) => Ok(()),
        }
    }
}
