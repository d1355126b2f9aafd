//! Instructions that make a layer: `RUN`, `COPY`, `ADD`, `WORKDIR`.

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use image::{Below, Digest, HiveFile, NewLayer, Scratch};
use resources::Host;
use serde_json::{Value, json};

use super::cache::{Found, Wanted};
use super::copy::fault_of;
use super::run::{Running, shell_line};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Instruction, Step};
use crate::error::{BuildError, Cause};
use crate::executor::{NetMode, Process, Run, RunError};
use crate::files::{self, CopyError, Selection};
use crate::view::View;
use crate::workplace::Workplace;
use crate::{blocking, paths, progress, registry};

type Result<T> = std::result::Result<T, Cause>;

/// What a step does to make its layer.
pub(super) enum Work {
    Run(Box<Running>),
    Files(Files),
    /// A folder, and whose it is.
    Folder(String, Option<String>),
}

/// Files to copy.
pub(super) struct Files {
    pub(super) selection: Selection,
    pub(super) destination: String,
    /// The layer is made without looking at what it will lie upon.
    pub(super) alone: bool,
    /// Where what was unpacked or checked out lies meanwhile.
    pub(super) held: Vec<Workplace>,
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) async fn step(
        &self,
        state: &mut State,
        at: usize,
        step: &Step,
        place: &str,
    ) -> std::result::Result<(), BuildError> {
        if self.metadata(state, step)? {
            return Ok(());
        }
        let shown = self.builder.progress.step(&format!("{place} {}", step.text));
        let done = Box::pin(self.layer(state, at, step, &shown)).await;
        done.map_err(|cause| {
            let what = match (&cause, &step.instruction) {
                (Cause::Run(_), Instruction::Run(run)) => {
                    let line = shell_line(state, run);
                    format!("process \"{line}\" did not complete successfully")
                }
                _ => step.text.clone(),
            };
            let said = shown.failed(&format!("{what}: {cause}"));
            let (line, last_line) = (step.line, step.last_line);
            BuildError::Step { line, last_line, what, said, cause: Box::new(cause) }
        })
    }

    async fn layer(
        &self,
        state: &mut State,
        at: usize,
        step: &Step,
        shown: &progress::Step,
    ) -> Result<()> {
        let (work, by) = match &step.instruction {
            Instruction::Run(run) => self.run(state, at, run, step).await?,
            Instruction::Copy(copy) => self.copy(state, at, copy, step).await?,
            Instruction::Add(copy) => self.add(state, at, copy, step).await?,
            Instruction::Workdir(path) => self.workdir(state, path, step).await?,
            other => unreachable!("{other:?} makes no layer"),
        };
        // The root is always there.
        if matches!(&work, Work::Folder(path, _) if path == "/") {
            state.note(by, None);
            shown.done();
            return Ok(());
        }
        let work = Arc::new(work);
        let key = self.key(state, &work).await?;
        let parent = if work.is_alone() { None } else { state.chain() };
        let wanted = Wanted { key: &key, parent, description: &step.text };
        let making = tokio::select! {
            found = self.cache.find(&wanted) => match found? {
                Found::Nothing(making) => making,
                Found::Layer(record) => {
                    state.note(by, Some((record.layer, record.created)));
                    shown.cached();
                    return Ok(());
                }
            },
            () = self.stopped() => return Err(RunError::NotStarted.into()),
        };
        let layer = {
            let _room = self.room.acquire().await.expect("nobody closes it");
            if *self.stop.borrow() {
                return Err(RunError::NotStarted.into());
            }
            self.make(state, &work, step, shown).await?
        };
        let created = self.options.epoch.map_or_else(now, date);
        self.cache.keep(&wanted, &layer, &created).await?;
        drop(making);
        state.note(by, Some((layer, created)));
        shown.done();
        Ok(())
    }

    /// What a layer is made by, without times: what is below it, what is done, and whatever else
    /// shows in the result.
    async fn key(&self, state: &State, work: &Arc<Work>) -> Result<Digest> {
        let below = if work.is_alone() { None } else { state.chain() };
        let work = Arc::clone(work);
        let work = blocking(move || key_of(&work)).await?;
        let version = self.builder.ground.os_version.to_string();
        let all = json!([below, work, version, self.options.epoch]);
        Ok(Digest::of(all.to_string().as_bytes()))
    }

    async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender is in `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    async fn workdir(&self, state: &mut State, path: &str, step: &Step) -> Result<(Work, String)> {
        let path = self.word(state, path, step.line).map_err(fault_of)?;
        let joined = paths::workdir(&working_dir(state), &path)?;
        state.config.config.working_dir = Some(format!("C:{joined}"));
        let owner = match state.config.config.user.clone() {
            Some(user) if !user.is_empty() => Some(self.account(state, &user, step.line).await?),
            _ => None,
        };
        Ok((Work::Folder(joined.replace('\\', "/"), owner), step.text.clone()))
    }

    async fn make(
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
        let drive = self.drive_of(&below);
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
        let lent = self.builder.lend(&running.mounts, step.line).await?;
        let mut meta = running.meta.clone();
        meta.env.extend(running.apart.iter().cloned());
        let process = Process::new(meta, Arc::new(shown.clone()));
        let mounts = lent.mounts.clone();
        let run = Run { mounts, ..Run::new(below.to_vec(), process) };
        let executor = &self.builder.executor;
        let finished = executor.run(run, self.stop.subscribe()).await;
        lent.give_back().await;
        let finished = finished?;
        let ground = &self.builder.ground;
        let composed = below.first().map(|top| top.join("registry"));
        let before = composed.filter(|folder| {
            std::fs::read_to_string(folder.join("platform")).is_ok_and(|key| key == ground.key)
        });
        let before = before.unwrap_or_else(|| ground.registry.clone());
        let layer = async {
            let (after, epoch) = (finished.registry(), self.options.epoch);
            let hives = blocking(move || registry::changes(&before, &after, epoch)).await?;
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

pub(super) fn working_dir(state: &State) -> String {
    state.config.config.working_dir.clone().unwrap_or_default()
}

impl Work {
    /// Whether the layer is the same whatever it lies upon.
    fn is_alone(&self) -> bool {
        matches!(self, Self::Files(files) if files.alone)
    }

    fn write(&self, drive: &View, upper: &std::path::Path) -> std::result::Result<(), CopyError> {
        match self {
            Self::Files(files) => files.selection.write(drive, upper, &files.destination),
            Self::Folder(path, owner) => {
                files::make_for(drive, upper, path, owner.as_deref()).map(drop)
            }
            Self::Run(_) => Ok(()),
        }
    }
}

/// What a layer is made by, without times.
fn key_of(work: &Work) -> std::result::Result<Value, CopyError> {
    Ok(match work {
        Work::Run(running) => {
            let meta = &running.meta;
            let mounts: Vec<&Value> = running.mounts.iter().map(|mount| &mount.key).collect();
            json!([
                "run",
                meta.args,
                meta.command_line,
                meta.env,
                meta.cwd,
                meta.user,
                meta.network == NetMode::None,
                mounts
            ])
        }
        Work::Files(files) => {
            json!(["files", files.selection.digest()?, files.destination, files.alone])
        }
        Work::Folder(path, owner) => json!(["folder", path, owner]),
    })
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A time as images write it.
pub(super) fn date(epoch: i64) -> String {
    jiff::Timestamp::from_second(epoch).map_or_else(|_| now(), |time| time.to_string())
}
