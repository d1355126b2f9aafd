//! Instructions that make a layer: `RUN`, `COPY`, `ADD`, `WORKDIR`. By which `key` it is found again,
//! and how it is made (`make`), stand apart.

use std::sync::Arc;

use engine::Engine;
use resources::Host;

use super::cache::{Found, Wanted};
use super::chain;
use super::copy::fault_of;
use super::run::{Running, shell_line};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Instruction, Step};
use crate::error::{BuildError, Cause};
use crate::executor::RunError;
use crate::files::Selection;
use crate::workplace::Workplace;
use crate::{paths, progress};

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
            let said = shown.failed(&format!("{what}: {}", chain(&cause)));
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
        let wanted = Wanted { key: &key, parent, description: &step.text, anew: state.anew };
        let making = match self.unless_stopped(self.cache.find(&wanted)).await?? {
            Found::Nothing(making) => making,
            Found::Layer(record) => {
                state.note(by, Some((record.layer, record.created)));
                shown.cached();
                return Ok(());
            }
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
}

pub(super) fn working_dir(state: &State) -> String {
    state.config.config.working_dir.clone().unwrap_or_default()
}

impl Work {
    /// Whether the layer is the same whatever it lies upon.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Files(files) if files.alone)
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A time as images write it.
pub(super) fn date(epoch: i64) -> String {
    jiff::Timestamp::from_second(epoch).map_or_else(|_| now(), |time| time.to_string())
}
