//! The stages that are built, side by side. What each begins from (`base`) and needs (`needs`), and
//! the variables of all of them (`globals`), stand apart.
//!
//! All that are needed are built side by side; one waits for another where it first needs it, and
//! no more than `parallelism` layers are made at once. The first failure stops the others, and the
//! build ends when all of them have given back what they held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use image::{Hold, Image};
use jiff::Timestamp;
use resources::Host;
use tokio::sync::{OnceCell, Semaphore, watch};

use super::cache::Cache;
use super::state::State;
use super::{Builder, Options, globals};
use crate::dockerfile::{Dockerfile, Fault, Instruction, Stage, Step};
use crate::error::{BuildError, Cause};
use crate::executor::{RunError, asked};
use crate::output::Facts;
use crate::remote::Remote;

type Result<T> = std::result::Result<T, BuildError>;

pub(super) struct Stages<'a, E: Engine, H> {
    pub(super) builder: &'a Builder<E, H>,
    pub(super) options: &'a Options,
    pub(super) file: &'a Dockerfile,
    pub(super) hold: &'a Hold,
    pub(super) cache: Cache<'a>,
    /// How many layers may be made at once.
    pub(super) room: Semaphore,
    /// Becomes true when nothing more is to be done.
    pub(super) stop: watch::Sender<bool>,
    done: BTreeMap<usize, watch::Sender<Stand>>,
    pub(super) bases: Mutex<BTreeMap<String, Arc<OnceCell<Image>>>>,
    /// The images that stages begin from are here, and told of.
    pub(super) fetched: bool,
    pub(super) globals: Vec<(String, String)>,
}

/// How far a stage is.
#[derive(Debug)]
enum Stand {
    Open,
    Done(Box<State>),
    Failed,
}

impl<'a, E: Engine, H: Host> Stages<'a, E, H> {
    pub(super) fn new(
        builder: &'a Builder<E, H>,
        options: &'a Options,
        file: &'a Dockerfile,
        hold: &'a Hold,
        remotes: Vec<Remote>,
    ) -> Result<Self> {
        let globals = globals::predefined(options, &builder.ground);
        let mut stages = Self {
            builder,
            options,
            file,
            hold,
            cache: Cache::new(&builder.images, hold, remotes),
            room: Semaphore::new(options.parallelism.unwrap_or_else(parallelism)),
            stop: watch::Sender::new(false),
            done: BTreeMap::new(),
            bases: Mutex::default(),
            fetched: false,
            globals,
        };
        for step in &file.globals {
            if let Instruction::Arg(args) = &step.instruction {
                for (name, default) in args {
                    stages.declare_global(name, default.as_deref(), step.line)?;
                }
            }
        }
        Ok(stages)
    }

    /// Builds the stage that is wanted, and those that it needs.
    pub(super) async fn target(mut self, started: Timestamp) -> Result<(State, Facts)> {
        let (wanted, needed) = self.needed()?;
        self.done = needed.iter().map(|at| (*at, watch::Sender::new(Stand::Open))).collect();
        let first = Mutex::new(None);
        let all = futures::future::join_all(needed.iter().map(|at| self.attempt(*at, &first)));
        tokio::select! {
            _ = all => {}
            never = self.pass_on_cancel() => match never {},
        }
        if let Some(error) = first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let state = self.built(wanted).await?;
        let facts = Facts {
            bases: self.bases(),
            records: self.cache.went_by(),
            started,
            finished: Timestamp::now(),
        };
        Ok((state, facts))
    }

    /// Whoever runs the build may give it up.
    async fn pass_on_cancel(&self) -> std::convert::Infallible {
        asked(&mut self.builder.cancel.clone()).await;
        self.stop.send_replace(true);
        std::future::pending().await
    }

    async fn attempt(&self, at: usize, first: &Mutex<Option<BuildError>>) {
        let stand = match Box::pin(self.stage(at, &self.file.stages[at])).await {
            Ok(state) => Stand::Done(Box::new(state)),
            Err(error) => {
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
                self.stop.send_replace(true);
                Stand::Failed
            }
        };
        self.done[&at].send_replace(stand);
    }

    /// What a stage has become, waited for.
    pub(super) async fn built(&self, at: usize) -> Result<State> {
        let mut wait = self.done[&at].subscribe();
        let stand = wait.wait_for(|stand| !matches!(stand, Stand::Open)).await;
        match &*stand.expect("the sender is in `self`") {
            Stand::Done(state) => Ok(State::clone(state)),
            Stand::Open | Stand::Failed => Err(BuildError::Stopped),
        }
    }

    async fn stage(&self, at: usize, stage: &Stage) -> Result<State> {
        let mut image = self.base(at, stage).await?;
        image.anew = self.options.no_cache || self.is_filtered(at);
        image.has_cmd = false;
        let triggers = triggers(&mut image, stage.line)?;
        let title = self.title(at, stage);
        let steps = || triggers.iter().chain(&stage.steps);
        // What only changes the configuration is neither counted nor shown.
        let total = steps().filter(|step| step.instruction.makes_layer()).count() + 1;
        let mut number = 1;
        for step in steps() {
            if *self.stop.borrow() {
                return Err(BuildError::Stopped);
            }
            number += usize::from(step.instruction.makes_layer());
            let place = format!("[{title}{number}/{total}]");
            self.step(&mut image, at, step, &place).await?;
        }
        Ok(image)
    }

    /// What a stage is called in its steps' names. One that is alone needs no name.
    fn title(&self, at: usize, stage: &Stage) -> String {
        match &stage.from.name {
            Some(name) => format!("{name} "),
            None if self.file.stages.len() == 1 => String::new(),
            None => format!("stage-{at} "),
        }
    }

    /// Whether `--no-cache-filter` names the stage.
    fn is_filtered(&self, at: usize) -> bool {
        self.options.no_cache_filter.iter().any(|name| self.find(name) == Some(at))
    }

    /// Does what waits for others, as servers, unless the build is given up meanwhile.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> std::result::Result<T, Cause> {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            done = work => Ok(done),
            () = asked(&mut stop) => Err(RunError::NotStarted.into()),
        }
    }
}

/// Making layers waits for disks and for programs that start, so two are not too many for one core.
fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

/// Instructions that the base image left for builds on top of it.
fn triggers(image: &mut State, line: usize) -> Result<Vec<Step>> {
    let left = image.config.config.on_build.take().unwrap_or_default();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let file = Dockerfile::parse(&format!("FROM scratch\n{}\n", left.join("\n")))
        .map_err(|fault| Fault::new(line, format!("ONBUILD of the base: {}", fault.rule)))?;
    let steps = file.stages.into_iter().next().map(|stage| stage.steps).unwrap_or_default();
    Ok(steps.into_iter().map(|step| Step { line, last_line: line, ..step }).collect())
}
