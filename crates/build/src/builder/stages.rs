//! Which stages are built, and what each begins from.
//!
//! All that are needed are built side by side; one waits for another where it first needs it, and
//! no more than `parallelism` layers are made at once. The first failure stops the others, and the
//! build ends when all of them have given back what they held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use image::{Digest, Hold, Image, ImageName, Layout, PullOptions};
use jiff::Timestamp;
use resources::Host;
use tokio::sync::{OnceCell, Semaphore, watch};

use super::cache::Cache;
use super::origin::{LAYOUT, NamedContext};
use super::state::State;
use super::{Builder, Options};
use crate::dockerfile::{Dockerfile, Fault, Instruction, MountText, Stage, Step, expand};
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
    bases: Mutex<BTreeMap<String, Arc<OnceCell<Image>>>>,
    globals: Vec<(String, String)>,
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
        let target = options.target.as_deref().unwrap_or("default");
        let version = builder.ground.os_version.to_string();
        let mut globals: Vec<(String, String)> = Vec::new();
        for side in ["BUILD", "TARGET"] {
            let values = [
                ("PLATFORM", "windows/amd64"),
                ("OS", "windows"),
                ("ARCH", "amd64"),
                ("VARIANT", ""),
            ];
            globals.extend(values.map(|(name, value)| (format!("{side}{name}"), value.to_owned())));
            globals.push((format!("{side}OSVERSION"), version.clone()));
        }
        globals.push(("TARGETSTAGE".to_owned(), target.to_owned()));
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

    fn declare_global(&mut self, name: &str, default: Option<&str>, line: usize) -> Result<()> {
        let given = self.options.args.get(name).cloned();
        let default = default.map(|text| self.expand_global(text, line)).transpose()?;
        if let Some(value) = given.or(default) {
            self.globals.retain(|(other, _)| other != name);
            self.globals.push((name.to_owned(), value));
        }
        Ok(())
    }

    pub(super) fn globals(&self) -> &[(String, String)] {
        &self.globals
    }

    fn global(&self, name: &str) -> Option<String> {
        self.globals.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    fn expand_global(&self, text: &str, line: usize) -> Result<String> {
        let names = |name: &str| self.global(name);
        Ok(expand(text, self.file.directives.escape, &names, line)?)
    }

    /// Builds the stage that is wanted, and those that it needs.
    pub(super) async fn target(mut self, started: Timestamp) -> Result<(State, Facts)> {
        let wanted = match &self.options.target {
            None => self.file.stages.len() - 1,
            Some(name) => self.find(name).ok_or_else(|| {
                Fault::new(0, format!("target stage \"{name}\" could not be found"))
            })?,
        };
        let mut needed = BTreeSet::new();
        self.need(wanted, &mut needed)?;
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

    fn bases(&self) -> Vec<(String, Digest)> {
        let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(name, cell): (&String, &Arc<OnceCell<Image>>)| {
            Some((name.clone(), cell.get()?.manifest_digest()))
        };
        bases.iter().filter_map(known).collect()
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

    /// A stage by its name or number.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let stages = &self.file.stages;
        let named = stages.iter().position(|stage| {
            stage.from.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        });
        named.or_else(|| name.parse().ok().filter(|at| *at < stages.len()))
    }

    fn need(&self, at: usize, needed: &mut BTreeSet<usize>) -> Result<()> {
        if !needed.insert(at) {
            return Ok(());
        }
        let stage = &self.file.stages[at];
        let base = self.expand_global(&stage.from.image, stage.line)?;
        let before = |found: usize| found < at;
        let is_context = self.context(&base).is_some();
        let found = self.find_named(&base).filter(|found| before(*found) && !is_context);
        if let Some(found) = found {
            self.need(found, needed)?;
        }
        for step in &stage.steps {
            for from in sources(&step.instruction) {
                if self.context(from).is_some() {
                    continue;
                }
                let Some(found) = self.find(from) else { continue };
                if !before(found) {
                    return Err(later(at, stage, step, from).into());
                }
                self.need(found, needed)?;
            }
        }
        Ok(())
    }

    /// `FROM` knows stages by their names only.
    fn find_named(&self, name: &str) -> Option<usize> {
        self.find(name).filter(|_| name.parse::<usize>().is_err())
    }

    async fn stage(&self, at: usize, stage: &Stage) -> Result<State> {
        let mut image = self.base(at, stage).await?;
        image.anew = self.options.no_cache || self.is_filtered(at);
        image.args.clear();
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

    async fn base(&self, at: usize, stage: &Stage) -> Result<State> {
        let name = self.expand_global(&stage.from.image, stage.line)?;
        if name.is_empty() {
            let rule = format!("base name ({}) should not be blank", stage.from.image);
            return Err(Fault::new(stage.line, rule).into());
        }
        if let Some(platform) = &stage.from.platform {
            let platform = self.expand_global(platform, stage.line)?;
            if !matches!(platform.as_str(), "windows" | "windows/amd64") {
                let rule = format!("--platform={platform} is not supported: only windows/amd64 is");
                return Err(Fault::new(stage.line, rule).into());
            }
        }
        let (name, layout) = match self.context(&name) {
            Some(NamedContext::Image(image)) => (image.clone(), None),
            Some(NamedContext::Layout(layout)) => (format!("{LAYOUT}{layout}"), Some(layout)),
            Some(NamedContext::Folder(..)) => {
                let rule = format!("FROM {name}: a context that is a folder is no image");
                return Err(Fault::new(stage.line, rule).into());
            }
            None => {
                if let Some(found) = self.find_named(&name).filter(|found| *found < at) {
                    return self.built(found).await;
                }
                (name, None)
            }
        };
        if name.eq_ignore_ascii_case("scratch") {
            return Ok(State::scratch(&self.builder.ground));
        }
        let step = self.builder.progress.step(&format!("FROM {name}"));
        let image = match layout {
            Some(layout) => self.layout(layout).await,
            None => self.image(&name).await,
        };
        match image {
            Ok(image) => {
                step.done();
                Ok(State::of(&image))
            }
            Err(error) => Err(BuildError::Step {
                line: stage.line,
                last_line: stage.line,
                what: format!("FROM {name}"),
                said: step.failed(&error.to_string()),
                cause: Box::new(error),
            }),
        }
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

    /// An image by its name: the same for the whole build.
    pub(super) async fn image(&self, name: &str) -> std::result::Result<Image, Cause> {
        let once = self.once(name);
        let fetched = Box::pin(once.get_or_try_init(|| self.fetch(name)));
        let image = self.unless_stopped(fetched).await?;
        Ok(image.cloned()?)
    }

    /// An image of a layout, in the same way.
    pub(super) async fn layout(&self, layout: &Layout) -> std::result::Result<Image, Cause> {
        let once = self.once(&format!("{LAYOUT}{layout}"));
        let open = || self.builder.images.open_layout(self.hold, layout);
        Ok(once.get_or_try_init(open).await.cloned()?)
    }

    fn once(&self, name: &str) -> Arc<OnceCell<Image>> {
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bases.entry(name.to_owned()).or_default())
    }

    /// An image by its name, pulled when that is asked for or needed.
    async fn fetch(&self, name: &str) -> image::Result<Image> {
        let (images, version) = (&self.builder.images, self.builder.ground.os_version);
        let parsed = ImageName::parse(name).ok();
        let mapped = parsed.as_ref().and_then(|name| images.settings().image_map.get(name));
        if [parsed.as_ref(), mapped].into_iter().flatten().any(ImageName::is_builtin) {
            return images.ensure_base(&version).await;
        }
        if !self.options.pull {
            match images.resolve(name).await {
                Err(error) if error.is_not_found() => {}
                Ok(image) if image.names.iter().any(ImageName::is_builtin) => {
                    return images.ensure_base(&version).await;
                }
                Ok(image) => return image.check_platform().map(|()| image),
                Err(error) => return Err(error),
            }
        }
        let options = PullOptions { host: version };
        let pulled = images.pull(name, options, std::sync::Arc::new(image::Quiet)).await?;
        Ok(pulled.image)
    }
}

/// Making layers waits for disks and for programs that start, so two are not too many for one core.
fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

/// What an instruction copies or mounts from.
fn sources(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Copy(copy) => copy.from.as_deref().into_iter().collect(),
        Instruction::Run(run) => run.mounts.iter().filter_map(MountText::from).collect(),
        _ => Vec::new(),
    }
}

fn later(at: usize, stage: &Stage, step: &Step, from: &str) -> Fault {
    let own = stage.from.name.clone().unwrap_or_else(|| at.to_string());
    let rule = match step.instruction {
        Instruction::Run(_) => format!(
            "cannot mount from stage \"{from}\", stage needs to be defined before current command"
        ),
        _ => format!(
            "cannot copy from stage \"{from}\", it needs to be defined before current stage \"{own}\""
        ),
    };
    Fault::new(step.line, rule)
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
