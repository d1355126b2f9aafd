//! Instructions that make a layer: `RUN`, `COPY`, `ADD`, `WORKDIR`.

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use image::{Below, Digest, HiveFile, NewLayer, Scratch};
use resources::Host;
use serde_json::{Value, json};

use super::cache::{Found, Wanted};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{CommandLine, Copy, Fault, Instruction, Run, Step, unquote};
use crate::error::{BuildError, Cause};
use crate::executor::{FILES, Meta, NetMode, Place, RunError};
use crate::files::{self, Selection};
use crate::ignore::Ignore;
use crate::view::View;
use crate::{paths, progress, registry};

type Result<T> = std::result::Result<T, Cause>;

/// What a step does to make its layer.
enum Work {
    Run(Meta),
    Files(Selection, String),
    Folder(String),
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
            Instruction::Run(run) => self.run(state, run, step)?,
            Instruction::Copy(copy) => self.copy(state, at, copy, step).await?,
            Instruction::Add(copy) => self.add(state, at, copy, step).await?,
            Instruction::Workdir(path) => self.workdir(state, path, step)?,
            other => unreachable!("{other:?} makes no layer"),
        };
        // The root is always there.
        if matches!(&work, Work::Folder(path) if path == "/") {
            state.note(by, None);
            shown.done();
            return Ok(());
        }
        let work = Arc::new(work);
        let key = self.key(state, &work).await?;
        let wanted = Wanted { key: &key, parent: state.chain(), description: &step.text };
        let making = tokio::select! {
            found = self.cache.find(&wanted) => match found? {
                Found::Nothing(making) => making,
                Found::Layer(record) => {
                    state.note(by, Some((record.layer, record.created)));
                    shown.cached();
                    return Ok(());
                }
            },
            () = self.stopped() => return Err(RunError::Cancelled.into()),
        };
        let layer = {
            let _room = self.room.acquire().await.expect("nobody closes it");
            if *self.stop.borrow() {
                return Err(RunError::Cancelled.into());
            }
            self.make(state, work, shown).await?
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
        let work = Arc::clone(work);
        let work = blocking(move || key_of(&work)).await?;
        let all = json!([
            state.chain(),
            work,
            self.builder.ground.os_version.to_string(),
            self.options.epoch
        ]);
        Ok(Digest::of(all.to_string().as_bytes()))
    }

    async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender is in `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    fn run(&self, state: &State, run: &Run, step: &Step) -> Result<(Work, String)> {
        let refuse = |rule: &str| Err(Cause::Fault(Fault::new(step.line, rule)));
        if let Some(mount) = run.mounts.first() {
            let kind = mount.kind.name();
            return refuse(&format!("RUN --mount=type={kind} is not supported yet"));
        }
        if run.security.as_deref() == Some("insecure") {
            return refuse("no support for running in insecure mode on Windows");
        }
        if run.network.as_deref() == Some("host") {
            return refuse(
                "RUN --network=host: unknown network mode HOST: Windows has no host network",
            );
        }
        if state.layers.is_empty() {
            return refuse("RUN needs a Windows to run on: FROM scratch has none");
        }
        if !run.heredocs.is_empty() {
            return refuse("RUN with a heredoc is not supported yet: use && or several RUNs");
        }
        let none = self.options.no_network || run.network.as_deref() == Some("none");
        let mut meta = Meta {
            env: state.environment(),
            cwd: format!("C:{}", paths::workdir(&working_dir(state), "")?),
            user: state.config.config.user.clone().unwrap_or_default(),
            network: if none { NetMode::None } else { NetMode::Default },
            ..Meta::default()
        };
        match &run.command {
            CommandLine::Exec(words) if words.is_empty() => {
                return refuse("RUN requires a command");
            }
            CommandLine::Exec(words) => meta.args.clone_from(words),
            CommandLine::Shell(_) => meta.command_line = shell_line(state, run),
        }
        let mut by = String::from("RUN ");
        if !state.args.is_empty() {
            by = format!("RUN |{} ", state.args.len());
            for (name, value) in &state.args {
                by.extend([name, "=", value, " "]);
            }
        }
        by.extend([&shell_line(state, run), " # buildkit"]);
        Ok((Work::Run(meta), by))
    }

    async fn add(
        &self,
        state: &State,
        at: usize,
        copy: &Copy,
        step: &Step,
    ) -> Result<(Work, String)> {
        let refuse = |rule: String| Err(Cause::Fault(Fault::new(step.line, rule)));
        let remote = |source: &&String| source.contains("://") || source.starts_with("git@");
        if let Some(source) = copy.sources.iter().find(remote) {
            return refuse(format!("ADD {source}: remote sources are not supported yet"));
        }
        if copy.unpack == Some(true) || copy.checksum.is_some() || copy.keep_git_dir {
            let rule = "ADD --unpack, --checksum and --keep-git-dir are not supported yet";
            return refuse(rule.to_owned());
        }
        let (work, by) = self.copy(state, at, copy, step).await?;
        if let (Work::Files(selection, _), None) = (&work, copy.unpack) {
            files::refuse_archives(selection)?;
        }
        Ok((work, by))
    }

    async fn copy(
        &self,
        state: &State,
        at: usize,
        copy: &Copy,
        step: &Step,
    ) -> Result<(Work, String)> {
        let given = [("chown", copy.chown.is_some()), ("chmod", copy.chmod.is_some())];
        let given = given.into_iter().chain([("parents", copy.parents)]);
        if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
            return Err(Fault::new(step.line, format!("--{flag} is not supported yet")).into());
        }
        let word = |text: &str| self.word(state, text, step.line).map_err(fault_of);
        let destination = paths::destination(&working_dir(state), &word(&copy.destination)?)?;
        let many = copy.sources.len() + copy.heredocs.len() > 1;
        if many && !destination.ends_with('/') {
            return Err(files::CopyError::NotADirectory.into());
        }
        let (view, hidden) = self.origin(at, copy, step).await?;
        let mut selection = Selection::into_directory(destination.ends_with('/'));
        for source in &copy.sources {
            let source = paths::source(&word(source)?)?;
            selection.source(&view, &source, &hidden)?;
        }
        for heredoc in &copy.heredocs {
            let text = if heredoc.expand {
                word_of_heredoc(state, &heredoc.content, step.line)?
            } else {
                heredoc.content.clone()
            };
            selection.text(&unquote(&heredoc.name, '\\', step.line)?, text);
        }
        Ok((Work::Files(selection, destination), format!("{} # buildkit", step.text)))
    }

    /// What is copied from, and what of it is not there.
    async fn origin(&self, at: usize, copy: &Copy, step: &Step) -> Result<(View, Ignore)> {
        let exclude =
            Ignore::of(&copy.exclude).map_err(|error| Fault::new(step.line, error.to_string()))?;
        let Some(from) = &copy.from else {
            let mut hidden = self.options.ignore.clone();
            hidden.also(exclude);
            return Ok((View::folder(&self.options.context), hidden));
        };
        let state = match self.find(from).filter(|found| *found < at) {
            Some(found) => self.built(found).await.map_err(fault_of)?,
            None => State::of(&self.image(from).await?),
        };
        let mut folders = self.unpacked(&state).await?;
        // The platform stands for the base's own Windows.
        let base = folders.pop();
        let mut all: Vec<PathBuf> = folders.iter().map(|folder| folder.join("fs")).collect();
        all.push(self.builder.ground.drive.clone());
        all.extend(base.map(|folder| folder.join("fs")));
        Ok((View::drive(all), exclude))
    }

    fn workdir(&self, state: &mut State, path: &str, step: &Step) -> Result<(Work, String)> {
        let path = self.word(state, path, step.line).map_err(fault_of)?;
        let joined = paths::workdir(&working_dir(state), &path)?;
        state.config.config.working_dir = Some(format!("C:{joined}"));
        Ok((Work::Folder(joined.replace('\\', "/")), step.text.clone()))
    }

    async fn make(
        &self,
        state: &State,
        work: Arc<Work>,
        shown: &progress::Step,
    ) -> Result<NewLayer> {
        let below = if state.layers.is_empty() { Vec::new() } else { self.unpacked(state).await? };
        if let Work::Run(meta) = &*work {
            return self.make_run(&below, meta, shown).await;
        }
        let mut all: Vec<PathBuf> = below.iter().map(|folder| folder.join("fs")).collect();
        let base = all.pop();
        if base.is_some() {
            all.push(self.builder.ground.drive.clone());
        }
        all.extend(base);
        let folder = self.builder.executor.folder.clone();
        let place = blocking(move || {
            let name = format!("{FILES}{}", uuid::Uuid::new_v4().simple());
            let place = Place::make(&folder, &name)?;
            let (drive, files) = (View::drive(all), place.path.join("files"));
            std::fs::create_dir(&files)?;
            match &*work {
                Work::Files(copied, destination) => copied.write(&drive, &files, destination)?,
                Work::Folder(path) => drop(files::make(&drive, &files, path)?),
                Work::Run(_) => {}
            }
            Ok(place)
        });
        let place = place.await?;
        let layer = self.add_layer(place.path.join("files"), below, Vec::new()).await;
        blocking(move || Ok(place.remove()?)).await?;
        layer
    }

    async fn make_run(
        &self,
        below: &[PathBuf],
        meta: &Meta,
        shown: &progress::Step,
    ) -> Result<NewLayer> {
        let executor = &self.builder.executor;
        let cancel = self.stop.subscribe();
        let finished = executor.run(below, meta, Arc::new(shown.clone()), cancel).await?;
        let ground = &self.builder.ground;
        let composed = below.first().map(|top| top.join("registry"));
        let before = composed.filter(|folder| {
            std::fs::read_to_string(folder.join("platform")).is_ok_and(|key| key == ground.key)
        });
        let before = before.unwrap_or_else(|| ground.registry.clone());
        let layer = async {
            let (after, epoch) = (finished.registry(), self.options.epoch);
            let hives = blocking(move || Ok(registry::changes(&before, &after, epoch)?)).await?;
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
    async fn unpacked(&self, state: &State) -> Result<Vec<PathBuf>> {
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

fn shell_line(state: &State, run: &Run) -> String {
    match &run.command {
        CommandLine::Exec(words) => words.join(" "),
        CommandLine::Shell(line) => format!("{} {line}", state.shell().join(" ")),
    }
}

fn working_dir(state: &State) -> String {
    state.config.config.working_dir.clone().unwrap_or_default()
}

/// In heredocs the escape character is always the same.
fn word_of_heredoc(state: &State, text: &str, line: usize) -> Result<String> {
    // Quotes in a file are the file's own.
    let quoted = text.replace('\'', "\\'").replace('"', "\\\"");
    let names = |name: &str| state.value(name);
    Ok(crate::dockerfile::expand(&quoted, '\\', &names, line)?)
}

fn fault_of(error: BuildError) -> Cause {
    match error {
        BuildError::Fault(fault) => Cause::Fault(fault),
        BuildError::Stopped => Cause::Run(Box::new(RunError::Cancelled)),
        other => Cause::Fault(Fault::new(0, other.to_string())),
    }
}

/// What a layer is made by, without times.
fn key_of(work: &Work) -> Result<Value> {
    Ok(match work {
        Work::Run(meta) => json!([
            "run",
            meta.args,
            meta.command_line,
            meta.env,
            meta.cwd,
            meta.user,
            meta.network == NetMode::None
        ]),
        Work::Files(files, destination) => json!(["files", files.digest()?, destination]),
        Work::Folder(path) => json!(["folder", path]),
    })
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A time as images write it.
pub(super) fn date(epoch: i64) -> String {
    jiff::Timestamp::from_second(epoch).map_or_else(|_| now(), |time| time.to_string())
}

/// Work on files, on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
